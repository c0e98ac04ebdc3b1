package dev.tandem.tokenizer.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The classes of characters that split patterns distinguish, from the committed table {@code
 * unicode-classes.txt}. The platform's own Unicode data differ between versions, but ids must not
 * differ.
 */
public final class UnicodeClasses {
  /** Any other code point, assigned or not; also unpaired surrogates. */
  static final int OTHER = 0;

  /** {@code \p{L}}. */
  public static final int LETTER = 1;

  /** {@code \p{N}}. */
  public static final int NUMBER = 2;

  /** {@code \s}: the property White_Space. */
  public static final int SPACE = 3;

  private static final String RESOURCE = "unicode-classes.txt";
  private static final byte[] CLASSES =
      load(); // indexed up to the last code point that is not OTHER

  private UnicodeClasses() {}

  /** The class of a code point. */
  public static int of(int codePoint) {
    return codePoint < CLASSES.length ? CLASSES[codePoint] : OTHER;
  }

  private static byte[] load() {
    try (InputStream in = UnicodeClasses.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("resource " + RESOURCE + " is missing");
      }
      return parse(new String(in.readAllBytes(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] parse(String table) {
    byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
    int end = 0;
    for (String line : table.lines().toList()) {
      String[] words = line.split(" ", -1);
      int unicodeClass = "LNS".indexOf(words[0]) + 1;
      for (int i = 1; i < words.length && unicodeClass > 0; i++) {
        String[] range = words[i].split("-", -1);
        int first = Integer.parseInt(range[0], 16);
        int last = Integer.parseInt(range[range.length - 1], 16);
        Arrays.fill(classes, first, last + 1, (byte) unicodeClass);
        end = Math.max(end, last + 1);
      }
    }
    return Arrays.copyOf(classes, end);
  }
}
