package dev.tandem.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds special tokens that are written out in a text. */
final class SpecialTokens {
  /** Receives the parts of a text, from left to right. */
  interface Sink {
    /** Ordinary text, not empty. */
    void text(int start, int end);

    /** A special token. */
    void special(int id);
  }

  private record Entry(String form, int id) {}

  private final Map<Character, List<Entry>> byFirstChar = new HashMap<>(); // longest first

  /**
   * The tokens to find.
   *
   * @param forms the written form of each id; empty ones are never found
   */
  SpecialTokens(Map<Integer, String> forms) {
    forms.forEach(
        (id, form) -> {
          if (!form.isEmpty()) {
            byFirstChar
                .computeIfAbsent(form.charAt(0), c -> new ArrayList<>())
                .add(new Entry(form, id));
          }
        });
    for (List<Entry> entries : byFirstChar.values()) {
      entries.sort(
          Comparator.comparingInt((Entry entry) -> -entry.form.length())
              .thenComparingInt(Entry::id));
    }
  }

  /** Cuts a text at its special tokens: the leftmost, and of those the longest. */
  void scan(String text, Sink sink) {
    int textStart = 0;
    int at = 0;
    while (at < text.length()) {
      Entry found = null;
      for (Entry entry : byFirstChar.getOrDefault(text.charAt(at), List.of())) {
        if (text.startsWith(entry.form, at)) {
          found = entry;
          break;
        }
      }
      if (found == null) {
        at++;
        continue;
      }
      if (textStart < at) {
        sink.text(textStart, at);
      }
      sink.special(found.id);
      at += found.form.length();
      textStart = at;
    }
    if (textStart < text.length()) {
      sink.text(textStart, text.length());
    }
  }
}
