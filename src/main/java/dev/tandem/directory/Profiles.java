package dev.tandem.directory;

import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileDifference.Field;
import dev.tandem.stage.ArithmeticProfile;
import java.util.List;

/** Compares the arithmetic of two stages of a chain. */
public final class Profiles {
  private Profiles() {}

  /**
   * What two stages must have in common and do not. Stages of other layers may have other matrix
   * types, and so other kernels, where no bit depends on it.
   */
  public static List<ProfileDifference> conflicts(ArithmeticProfile one, ArithmeticProfile other) {
    return one.differences(other).stream()
        .filter(each -> each.bitsCanDiffer() || each.field() == Field.CHUNK_ROWS)
        .toList();
  }

  /** Whether two stages may be in one chain. */
  public static boolean agree(ArithmeticProfile one, ArithmeticProfile other) {
    return conflicts(one, other).isEmpty();
  }
}
