package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.text.CodePoints;
import dev.tandem.tokenizer.text.UnicodeClasses;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds tokens that are written out in a text. */
final class SpecialTokens {
  /** Receives the parts of a text, from left to right. */
  interface Sink {
    /** Ordinary text, not empty. */
    void text(int start, int end);

    /** A special token. */
    void special(int id);
  }

  /**
   * A token to find.
   *
   * @param form the written form; never found if empty
   * @param takesLeft whether white space before it belongs to it
   * @param takesRight whether white space behind it belongs to it
   */
  record Entry(String form, int id, boolean takesLeft, boolean takesRight) {}

  private final BitSet firstChars = new BitSet();
  private final Map<Character, List<Entry>> byFirstChar = new HashMap<>(); // longest first

  SpecialTokens(List<Entry> entries) {
    for (Entry entry : entries) {
      if (!entry.form.isEmpty()) {
        firstChars.set(entry.form.charAt(0));
        byFirstChar.computeIfAbsent(entry.form.charAt(0), c -> new ArrayList<>()).add(entry);
      }
    }
    for (List<Entry> sameStart : byFirstChar.values()) {
      sameStart.sort(
          Comparator.comparingInt((Entry entry) -> -entry.form.length())
              .thenComparingInt(Entry::id));
    }
  }

  /**
   * Cuts a text at its special tokens. The leftmost counts, and among several at one place the
   * longest.
   */
  void scan(String text, Sink sink) {
    int textStart = 0;
    int at = 0;
    while (at < text.length() && !firstChars.isEmpty()) {
      Entry found = firstChars.get(text.charAt(at)) ? find(text, at) : null;
      if (found == null) {
        at++;
        continue;
      }
      int textEnd = found.takesLeft ? withoutSpace(text, textStart, at) : at;
      if (textStart < textEnd) {
        sink.text(textStart, textEnd);
      }
      sink.special(found.id);
      at += found.form.length();
      if (found.takesRight) {
        at = CodePoints.runEnd(text, at, text.length(), UnicodeClasses.SPACE);
      }
      textStart = at;
    }
    if (textStart < text.length()) {
      sink.text(textStart, text.length());
    }
  }

  private @Nullable Entry find(String text, int at) {
    for (Entry entry : byFirstChar.getOrDefault(text.charAt(at), List.of())) {
      if (text.startsWith(entry.form, at)) {
        return entry;
      }
    }
    return null;
  }

  /**
   * The start of the white space at the end of {@code text[start..end)} (all white space is in the
   * BMP).
   */
  private static int withoutSpace(String text, int start, int end) {
    int at = end;
    while (at > start && UnicodeClasses.of(text.charAt(at - 1)) == UnicodeClasses.SPACE) {
      at--;
    }
    return at;
  }
}
