package dev.tandem.tokenizer.bpe;

/**
 * Decodes UTF-8 that arrives in pieces. Each maximal part of a malformed sequence becomes one
 * U+FFFD, as Unicode recommends (chapter 3, "U+FFFD Substitution of Maximal Subparts") and as the
 * WHATWG's decoder does, so that a browser shows the same. It differs from {@code String(byte[],
 * UTF_8)} in one case: encoded surrogates ({@code ED A0..BF xx}) give three U+FFFD, not one.
 */
final class Utf8Decoder {
  private static final char REPLACEMENT = '\uFFFD';
  private static final int CONTINUATION_MIN = 0x80;
  private static final int CONTINUATION_MAX = 0xBF;

  private int codePoint; // the bits of the incomplete character so far
  private int missing; // the bytes that it still needs; 0: no character is incomplete
  private int min = CONTINUATION_MIN; // the smallest value of its next byte
  private int max = CONTINUATION_MAX;

  /** Appends the text that becomes complete with {@code bytes[start..]} to {@code out}. */
  void decode(byte[] bytes, int start, StringBuilder out) {
    for (int i = start; i < bytes.length; i++) {
      decode(bytes[i] & 0xFF, out);
    }
  }

  /** Appends U+FFFD if a character is incomplete, and resets the decoder. */
  void finish(StringBuilder out) {
    if (missing > 0) {
      malformed(out);
    }
  }

  private void decode(int value, StringBuilder out) {
    if (missing > 0) {
      if (value >= min && value <= max) {
        continuation(value, out);
        return;
      }
      malformed(out); // and this byte begins a new character
    }
    if (value < 0x80) {
      out.append((char) value);
    } else if (value >= 0xC2 && value <= 0xDF) {
      lead(value & 0x1F, 1);
    } else if (value >= 0xE0 && value <= 0xEF) {
      lead(value & 0x0F, 2);
      min = value == 0xE0 ? 0xA0 : CONTINUATION_MIN; // not overlong
      max = value == 0xED ? 0x9F : CONTINUATION_MAX; // not a surrogate
    } else if (value >= 0xF0 && value <= 0xF4) {
      lead(value & 0x07, 3);
      min = value == 0xF0 ? 0x90 : CONTINUATION_MIN; // not overlong
      max = value == 0xF4 ? 0x8F : CONTINUATION_MAX; // not above U+10FFFF
    } else {
      out.append(REPLACEMENT);
    }
  }

  private void lead(int bits, int continuations) {
    codePoint = bits;
    missing = continuations;
  }

  private void continuation(int value, StringBuilder out) {
    codePoint = (codePoint << 6) | (value & 0x3F);
    min = CONTINUATION_MIN;
    max = CONTINUATION_MAX;
    if (--missing == 0) {
      out.appendCodePoint(codePoint);
    }
  }

  private void malformed(StringBuilder out) {
    out.append(REPLACEMENT);
    missing = 0;
    min = CONTINUATION_MIN;
    max = CONTINUATION_MAX;
  }
}
