package dev.tandem.settings;

import java.util.List;

/**
 * What a user should know of a model, such as an assumption.
 *
 * @param statement what is the case, in one line
 * @param remedies settings that would change it
 */
public record Note(String statement, List<Remedy> remedies) implements Remediable {

  /** Copies the list. */
  public Note {
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
