package dev.tandem.tokenizer;

import java.io.IOException;

/** A tokenizer file that does not hold what its format demands. */
public final class TokenizerFormatException extends IOException {
  private final String what;
  private final String expected;
  private final String got;

  /**
   * Builds the exception; its message is {@code what: expected ..., got ...}.
   *
   * @param what the file and the place in it, such as {@code merges.txt line 17}
   * @param expected what the format demands there
   * @param got what is there
   */
  public TokenizerFormatException(String what, String expected, String got) {
    super(what + ": expected " + expected + ", got " + got);
    this.what = what;
    this.expected = expected;
    this.got = got;
  }

  /** The file and the place in it. */
  public String what() {
    return what;
  }

  /** What the format demands there. */
  public String expected() {
    return expected;
  }

  /** What is there. */
  public String got() {
    return got;
  }
}
