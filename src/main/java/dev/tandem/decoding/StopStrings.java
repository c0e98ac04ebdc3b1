package dev.tandem.decoding;

import java.util.List;

/**
 * Watches a stream of text for stop strings. Text is passed on as soon as it cannot be part of one:
 * the longest end of the text that begins a stop string is held back.
 *
 * <p>The text ends before the first completed stop string. If one character completes several, it
 * ends before the longest. So the result does not depend on the pieces in which the text arrives.
 */
final class StopStrings {
  private final Automaton[] automata;
  private boolean found;

  /** Length of the longest end of the text that begins a stop string. */
  private int held;

  StopStrings(List<String> stopStrings) {
    automata = stopStrings.stream().map(Automaton::new).toArray(Automaton[]::new);
  }

  /** Whether a stop string was completed; then no more text is passed on. */
  boolean found() {
    return found;
  }

  /**
   * Reads on to the end of a text, or to the first character that completes a stop string.
   *
   * @param text the text that was read before, with more text behind it
   * @param from length of the text that was read before
   * @return the length of the final text: up to the completed stop string, otherwise up to a
   *     possible beginning of one
   */
  int read(CharSequence text, int from) {
    int end = text.length();
    for (int i = from; i < end && automata.length > 0; i++) {
      held = step(text.charAt(i));
      if (found) {
        return i + 1 - held;
      }
    }
    return end - held;
  }

  /** Returns the length of the stop string found, otherwise of the longest beginning of one. */
  private int step(char c) {
    int longest = 0;
    for (Automaton automaton : automata) {
      int matched = automaton.step(c);
      boolean complete = matched == automaton.length();
      if (complete && !found) {
        found = true;
        longest = matched;
      } else if (complete == found) {
        longest = Math.max(longest, matched);
      }
    }
    return longest;
  }

  /**
   * Knuth, Morris and Pratt's matcher: the length of the longest beginning of one string that the
   * text ends with.
   */
  private static final class Automaton {
    private final String wanted;

    /** For each matched length, the next shorter beginning that is also an end of it. */
    private final int[] shorter;

    private int matched;

    Automaton(String wanted) {
      this.wanted = wanted;
      shorter = new int[wanted.length() + 1];
      int k = 0;
      for (int i = 1; i < wanted.length(); i++) {
        k = next(k, wanted.charAt(i));
        shorter[i + 1] = k;
      }
    }

    int length() {
      return wanted.length();
    }

    int step(char c) {
      matched = next(matched, c);
      return matched;
    }

    private int next(int from, char c) {
      int k = from;
      while (k > 0 && (k == wanted.length() || wanted.charAt(k) != c)) {
        k = shorter[k];
      }
      return wanted.charAt(k) == c ? k + 1 : 0;
    }
  }
}
