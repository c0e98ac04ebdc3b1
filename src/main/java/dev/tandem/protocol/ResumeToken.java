package dev.tandem.protocol;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * A random secret of 128 bits, with which a client finds its sequence again on another connection.
 *
 * @param hex its 32 hexadecimal digits, in lower case
 */
public record ResumeToken(String hex) {
  private static final int BYTES = 16;

  /**
   * Checks the form.
   *
   * @throws IllegalArgumentException if it has another one
   */
  public ResumeToken {
    if (!hex.matches("[0-9a-f]{" + 2 * BYTES + "}")) {
      throw new IllegalArgumentException("a resume token has 32 hexadecimal digits in lower case");
    }
  }

  /** A new token. */
  public static ResumeToken random(SecureRandom random) {
    byte[] bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return new ResumeToken(HexFormat.of().formatHex(bytes));
  }

  /** Without the digits, which must not get into a log. */
  @Override
  public String toString() {
    return "ResumeToken";
  }
}
