package dev.tandem.model;

import dev.tandem.settings.Remediable;
import dev.tandem.settings.Remedy;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model file is malformed or asks for what is not supported. The message is one line; it ends
 * with the remedies, if a setting can mend the fault.
 */
public final class ModelFormatException extends IOException implements Remediable {
  private static final long serialVersionUID = 1;
  private static final int MAX_PART_CHARS = 600;
  private static final int MAX_PATH_CHARS = 4096;

  private final String path;
  private final String problem;
  private final @Nullable String expected;
  private final @Nullable String got;
  private final List<Remedy> remedies;

  /**
   * A part of a file is wrong.
   *
   * @param path the file, or its known part
   * @param tensor the tensor, field or key
   * @param remedies settings each of which mends it
   */
  public ModelFormatException(
      String path, String tensor, String expected, String got, Remedy... remedies) {
    this(
        oneLine(tensor) + ": expected " + oneLine(expected) + ", got " + oneLine(got),
        path,
        oneLine(expected),
        oneLine(got),
        List.of(remedies));
  }

  /** A file is wrong as a whole. */
  public ModelFormatException(String path, String problem, Remedy... remedies) {
    this(path, problem, List.of(remedies));
  }

  /** A file is wrong as a whole. */
  public ModelFormatException(String path, String problem, List<Remedy> remedies) {
    this(oneLine(problem), path, null, null, remedies);
  }

  private ModelFormatException(
      String problem,
      String path,
      @Nullable String expected,
      @Nullable String got,
      List<Remedy> remedies) {
    super(Remediable.oneLine(path, MAX_PATH_CHARS) + ": " + problem);
    this.path = Remediable.oneLine(path, MAX_PATH_CHARS);
    this.problem = problem;
    this.expected = expected;
    this.got = got;
    this.remedies = List.copyOf(remedies);
  }

  /** The file, or its known part. */
  public String path() {
    return path;
  }

  /** The statement without the file's path. */
  public String problem() {
    return problem;
  }

  /** What a tensor, field or key must be; empty if the file is wrong as a whole. */
  public Optional<String> expected() {
    return Optional.ofNullable(expected);
  }

  /** What a tensor, field or key is; empty if the file is wrong as a whole. */
  public Optional<String> got() {
    return Optional.ofNullable(got);
  }

  @Override
  public String statement() {
    return path + ": " + problem;
  }

  @Override
  public List<Remedy> remedies() {
    return remedies;
  }

  @Override
  public String getMessage() {
    return worded(Remedy::toString);
  }

  /** Names in a file may be hostile. */
  private static String oneLine(String part) {
    return Remediable.oneLine(part, MAX_PART_CHARS);
  }
}
