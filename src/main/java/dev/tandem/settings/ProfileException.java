package dev.tandem.settings;

import java.io.IOException;
import java.util.List;
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
    this(there, "here", differences);
  }

  /**
   * An exception about two other ends.
   *
   * @param there one of them, for the message
   * @param here the other one; the differences' values of here are its own
   */
  public ProfileException(String there, String here, List<ProfileDifference> differences) {
    super(
        differences.stream()
            .map(each -> each.worded(here))
            .collect(Collectors.joining("; ", there + " computes differently: ", "")));
    this.differences = List.copyOf(differences);
  }

  /** Where the two ends differ. */
  public List<ProfileDifference> differences() {
    return differences;
  }
}
