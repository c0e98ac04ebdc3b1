package dev.tandem.tokenizer.bpe;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The printable characters that GPT-2's vocabulary files use for the 256 bytes: printable Latin-1
 * characters stand for themselves, the other bytes for characters from U+0100 on, in the order of
 * the bytes. Source: {@code bytes_to_unicode} in {@code encoder.py} of OpenAI's GPT-2.
 */
public final class ByteAlphabet {
  private static final char[] SYMBOLS = new char[256]; // indexed by byte
  private static final int[] BYTES = new int[256 + 256]; // indexed by symbol; -1: not a symbol
  private static final int[] ORDER = new int[256]; // bytes, indexed by GPT-2's ids of single bytes

  static {
    Arrays.fill(BYTES, -1);
    int printable = 0;
    for (int value = 0; value < 256; value++) {
      if (isPrintable(value)) {
        SYMBOLS[value] = (char) value;
        ORDER[printable++] = value;
      }
    }
    int others = 0;
    for (int value = 0; value < 256; value++) {
      if (!isPrintable(value)) {
        SYMBOLS[value] = (char) (256 + others);
        ORDER[printable + others] = value;
        others++;
      }
      BYTES[SYMBOLS[value]] = value;
    }
  }

  private ByteAlphabet() {}

  private static boolean isPrintable(int value) {
    return (value >= '!' && value <= '~')
        || (value >= 0xA1 && value <= 0xAC)
        || (value >= 0xAE && value <= 0xFF);
  }

  /** The symbol of a byte (0..255). */
  public static char symbol(int value) {
    return SYMBOLS[value];
  }

  /** The byte whose token has this id (0..255) in GPT-2's vocabulary. */
  public static int byteOfGpt2Id(int id) {
    return ORDER[id];
  }

  /** The byte (0..255) whose symbol a character is, or -1. */
  static int byteOf(char symbol) {
    return symbol < BYTES.length ? BYTES[symbol] : -1;
  }

  /** Whether a token of the files is all symbols. */
  public static boolean isSpelledIn(String token) {
    return token.chars().allMatch(symbol -> byteOf((char) symbol) >= 0);
  }

  /** A token of the files for bytes. */
  public static String spell(byte[] bytes) {
    StringBuilder token = new StringBuilder(bytes.length);
    for (byte value : bytes) {
      token.append(symbol(value & 0xFF));
    }
    return token.toString();
  }

  /** The bytes of a token of the files; its UTF-8 if it does not consist of symbols only. */
  public static byte[] decode(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int value = byteOf(token.charAt(i));
      if (value < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }
}
