package dev.tandem.settings;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Two ends of a split do not compute alike. */
public final class ProfileException extends IOException {
  private static final long serialVersionUID = 1L;

  private final List<ProfileDifference> differences;

  /**
   * An exception.
   *
   * @param there the other end, for the message
   * @param differences at least one; its values of here are this end's
   */
  public ProfileException(String there, List<ProfileDifference> differences) {
    super(
        differences.stream()
            .map(each -> each.field() + " " + word(each.there()) + ", here " + word(each.here()))
            .collect(Collectors.joining("; ", there + " computes differently: ", "")));
    this.differences = List.copyOf(differences);
  }

  /** Where the two ends differ. */
  public List<ProfileDifference> differences() {
    return differences;
  }

  private static String word(Object value) {
    if (value instanceof Collection<?> values) {
      return values.isEmpty()
          ? "none"
          : values.stream().map(ProfileException::word).collect(Collectors.joining("+"));
    }
    if (value instanceof Enum<?> constant) {
      return constant.name().toLowerCase(Locale.ROOT);
    }
    return value.toString().isEmpty() ? "none" : value.toString();
  }
}
