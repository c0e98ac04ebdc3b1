package dev.tandem.settings;

import java.util.List;

/**
 * What a user should know of a model, such as an assumption.
 *
 * @param statement what is the case, in one line of at most 4,096 characters
 * @param remedies settings that would change it
 */
public record Note(String statement, List<Remedy> remedies) implements Remediable {
  /** A statement may begin with a path. */
  private static final int MAX_CHARS = 4096;

  /** Copies the list. Line ends and terminal escapes of a statement are replaced. */
  public Note {
    statement = Remediable.oneLine(statement, MAX_CHARS);
    remedies = List.copyOf(remedies);
  }

  /** A note. */
  public Note(String statement, Remedy... remedies) {
    this(statement, List.of(remedies));
  }

  /** One line for a Java program's user. */
  @Override
  public String toString() {
    return worded(Remedy::toString);
  }
}
