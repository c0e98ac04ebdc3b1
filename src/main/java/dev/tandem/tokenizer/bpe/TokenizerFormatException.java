package dev.tandem.tokenizer.bpe;

import java.io.IOException;

/** A tokenizer file does not follow its format. */
public final class TokenizerFormatException extends IOException {
  private final String what;
  private final String expected;
  private final String got;

  /**
   * Builds the exception; its message is {@code what: expected ..., got ...}.
   *
   * @param what the file and the place in it, such as {@code merges.txt line 17}
   * @param expected the value that the format requires there
   * @param got the value found there
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

  /** The value that the format requires there. */
  public String expected() {
    return expected;
  }

  /** The value found there. */
  public String got() {
    return got;
  }
}
