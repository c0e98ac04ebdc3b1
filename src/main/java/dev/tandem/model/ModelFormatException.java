package dev.tandem.model;

import java.io.IOException;

/** A model file is malformed or asks for what is not supported; the message is one line. */
public final class ModelFormatException extends IOException {
  private static final long serialVersionUID = 1;
  private static final int MAX_PART_CHARS = 600;
  private static final int MAX_PATH_CHARS = 4096;

  /** The offset of the problem in the message. */
  private final int problemAt;

  /**
   * A part of a file is wrong.
   *
   * @param path the file, or its known part
   * @param tensor the tensor, field or key
   */
  public ModelFormatException(String path, String tensor, String expected, String got) {
    super(
        clean(path, MAX_PATH_CHARS)
            + ": "
            + clean(tensor, MAX_PART_CHARS)
            + ": expected "
            + clean(expected, MAX_PART_CHARS)
            + ", got "
            + clean(got, MAX_PART_CHARS));
    problemAt = clean(path, MAX_PATH_CHARS).length() + 2;
  }

  /** A file is wrong as a whole. */
  public ModelFormatException(String path, String problem) {
    super(clean(path, MAX_PATH_CHARS) + ": " + clean(problem, MAX_PART_CHARS));
    problemAt = clean(path, MAX_PATH_CHARS).length() + 2;
  }

  /** The message without the file's path. */
  public String problem() {
    return String.valueOf(getMessage()).substring(problemAt);
  }

  /** Names in a hostile file may be long and hold line ends or terminal escapes. */
  private static String clean(String part, int maxChars) {
    StringBuilder out = new StringBuilder();
    part.codePoints()
        .limit(maxChars)
        .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? '?' : c)
        .forEach(out::appendCodePoint);
    return part.codePointCount(0, part.length()) > maxChars ? out + "..." : out.toString();
  }
}
