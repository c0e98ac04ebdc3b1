package dev.tandem.tokenizer.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Unicode's normalization form C, from the committed table {@code unicode-nfc.txt}. The platform's
 * own form differs between versions, and takes quadratic time for a text of many marks. This one
 * takes O(n log n). Source: chapter 3.11 of the Unicode Standard; section 3.12 for Hangul.
 */
final class Nfc {
  private static final String RESOURCE = "unicode-nfc.txt";
  private static final int FIRST_NOT_INERT =
      0x300; // all code points before it are in form C, whatever follows

  private static final int HANGUL_FIRST = 0xAC00;
  private static final int LEAD_FIRST = 0x1100;
  private static final int VOWEL_FIRST = 0x1161;
  private static final int TAIL_BEFORE_FIRST = 0x11A7;
  private static final int LEADS = 19;
  private static final int VOWELS = 21;
  private static final int TAILS = 28; // including no tail
  private static final int HANGUL = LEADS * VOWELS * TAILS;

  /** Orders of combining classes by code point; 0: a starter. */
  private static final byte[] RANKS = new byte[Character.MAX_CODE_POINT + 1];

  private static final Map<Integer, int[]> DECOMPOSITIONS = new HashMap<>();
  private static final Map<Long, Integer> PAIRS = new HashMap<>();

  static {
    load();
  }

  private Nfc() {}

  static String normalize(String text) {
    if (text.chars().allMatch(c -> c < FIRST_NOT_INERT)) {
      return text;
    }
    IntBuilder decomposed = new IntBuilder();
    text.codePoints().forEach(codePoint -> decompose(codePoint, decomposed));
    int[] codePoints = decomposed.toArray();
    order(codePoints);
    int length = compose(codePoints);
    return new String(codePoints, 0, length);
  }

  private static void decompose(int codePoint, IntBuilder out) {
    int hangul = codePoint - HANGUL_FIRST;
    if (hangul >= 0 && hangul < HANGUL) {
      out.add(LEAD_FIRST + hangul / (VOWELS * TAILS));
      out.add(VOWEL_FIRST + hangul / TAILS % VOWELS);
      if (hangul % TAILS > 0) {
        out.add(TAIL_BEFORE_FIRST + hangul % TAILS);
      }
      return;
    }
    int[] parts = DECOMPOSITIONS.get(codePoint);
    if (parts == null) {
      out.add(codePoint);
    } else {
      out.add(parts, parts.length);
    }
  }

  /** Sorts each run of marks by combining class; marks of one class keep their order. */
  private static void order(int[] codePoints) {
    int at = 0;
    while (at < codePoints.length) {
      int start = at;
      while (at < codePoints.length && RANKS[codePoints[at]] > 0) {
        at++;
      }
      if (at - start > 1) {
        long[] keys = new long[at - start]; // class, then position
        for (int i = 0; i < keys.length; i++) {
          keys[i] = (long) RANKS[codePoints[start + i]] << 32 | i;
        }
        Arrays.sort(keys);
        int[] marks = Arrays.copyOfRange(codePoints, start, at);
        for (int i = 0; i < keys.length; i++) {
          codePoints[start + i] = marks[(int) keys[i]];
        }
      }
      at = Math.max(at, start + 1);
    }
  }

  /** Composes code points in place; returns the new length. */
  private static int compose(int[] codePoints) {
    int length = 0;
    int starter = -1;
    int lastRank = -1; // rank of the last code point after the starter; -1: none
    for (int codePoint : codePoints) {
      int rank = RANKS[codePoint];
      int composed =
          starter >= 0 && lastRank < rank ? composed(codePoints[starter], codePoint) : -1;
      if (composed >= 0) {
        codePoints[starter] = composed;
        continue;
      }
      if (rank == 0) {
        starter = length;
        lastRank = -1;
      } else {
        lastRank = rank;
      }
      codePoints[length++] = codePoint;
    }
    return length;
  }

  /** The composition of two code points, or -1. */
  private static int composed(int first, int second) {
    int lead = first - LEAD_FIRST;
    int vowel = second - VOWEL_FIRST;
    if (lead >= 0 && lead < LEADS && vowel >= 0 && vowel < VOWELS) {
      return HANGUL_FIRST + (lead * VOWELS + vowel) * TAILS;
    }
    int hangul = first - HANGUL_FIRST;
    int tail = second - TAIL_BEFORE_FIRST;
    if (hangul >= 0 && hangul < HANGUL && hangul % TAILS == 0 && tail > 0 && tail < TAILS) {
      return first + tail;
    }
    return PAIRS.getOrDefault((long) first << 32 | second, -1);
  }

  private static void load() {
    try (InputStream in = Nfc.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("resource " + RESOURCE + " is missing");
      }
      parse(new String(in.readAllBytes(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void parse(String table) {
    byte rank = 0;
    for (String line : table.lines().toList()) {
      String[] words = line.split(" ", -1);
      if (words[0].equals("C")) {
        rank++;
      }
      for (int i = 1; i < words.length && !words[0].equals("#"); i++) {
        String[] sides = words[i].split("=", -1);
        int[] left = codePoints(sides[0]);
        switch (words[0]) {
          case "C" -> RANKS[left[0]] = rank;
          case "D" -> DECOMPOSITIONS.put(left[0], codePoints(sides[1]));
          case "P" -> PAIRS.put((long) left[0] << 32 | left[1], codePoints(sides[1])[0]);
          default -> throw new IllegalStateException(RESOURCE + ": " + line);
        }
      }
    }
  }

  private static int[] codePoints(String hex) {
    return Arrays.stream(hex.split("\\+", -1)).mapToInt(h -> Integer.parseInt(h, 16)).toArray();
  }
}
