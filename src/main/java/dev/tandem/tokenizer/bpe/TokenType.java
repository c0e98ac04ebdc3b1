package dev.tandem.tokenizer.bpe;

import java.util.Optional;

/** The kinds of tokens, as SentencePiece and GGUF distinguish (and number) them. */
public enum TokenType {
  NORMAL(1),
  /** The token for characters without a token; special. */
  UNKNOWN(2),
  /** Special: text becomes such a token only if special tokens are parsed. */
  CONTROL(3),
  /** Found in every text before any other step. */
  USER_DEFINED(4),
  /** No text becomes such a token. */
  UNUSED(5),
  /** One byte, written {@code <0xNN>}. */
  BYTE(6);

  private static final TokenType[] ALL = values();

  private final int number;

  TokenType(int number) {
    this.number = number;
  }

  /** Its number in SentencePiece's and GGUF's files. */
  public int number() {
    return number;
  }

  /** The type with a number, if there is one. */
  public static Optional<TokenType> of(long number) {
    return number >= 1 && number <= ALL.length
        ? Optional.of(ALL[(int) number - 1])
        : Optional.empty();
  }

  /** Whether it is not text. */
  public boolean isSpecial() {
    return this == CONTROL || this == UNKNOWN;
  }
}
