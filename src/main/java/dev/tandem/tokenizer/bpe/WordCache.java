package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.text.IntBuilder;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Remembers the ids of short words. Bounded: a word has one slot, and a later word with the same
 * slot replaces it. Safe for many threads without locks: entries are immutable, and a lost entry
 * only costs encoding the word again.
 */
final class WordCache {
  private static final int PLACES_LOG2 = 13;
  private static final int MAX_CHARS = 32;

  private static final class Entry {
    final String word;
    final int[] ids;

    Entry(String word, int[] ids) {
      this.word = word;
      this.ids = ids;
    }
  }

  private final AtomicReferenceArray<Entry> entries = new AtomicReferenceArray<>(1 << PLACES_LOG2);

  /** Appends the ids of {@code text[start..end)} to {@code out} if they are known. */
  boolean lookUp(String text, int start, int end, IntBuilder out) {
    if (end - start > MAX_CHARS) {
      return false;
    }
    Entry entry = entries.getAcquire(place(text, start, end));
    if (entry == null
        || entry.word.length() != end - start
        || !text.startsWith(entry.word, start)) {
      return false;
    }
    out.add(entry.ids, entry.ids.length);
    return true;
  }

  /** Remembers the ids of a word, unless the word is too long; the ids are not copied. */
  void put(String word, int[] ids) {
    if (word.length() <= MAX_CHARS) {
      entries.setRelease(place(word, 0, word.length()), new Entry(word, ids));
    }
  }

  private static int place(String text, int start, int end) {
    int hash = 0;
    for (int i = start; i < end; i++) {
      hash = 31 * hash + text.charAt(i);
    }
    hash *= 0x9E3779B1; // 2^32 / golden ratio: the high bits depend on every character
    return hash >>> (32 - PLACES_LOG2);
  }
}
