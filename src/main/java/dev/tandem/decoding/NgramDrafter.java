package dev.tandem.decoding;

import dev.tandem.generation.GenerationRequest;

/**
 * Guesses that the text repeats itself (prompt lookup): it finds the earlier place with the longest
 * equal run of tokens before it, the latest of several, and proposes what followed there.
 *
 * <p>A guess may go on into the guesses themselves: the place ends where the text ends, so a text
 * of a short period is continued with that period.
 */
public final class NgramDrafter implements Drafter {
  /** A shorter run says too little about what follows. */
  private static final int MIN_RUN = 2;

  /** A longer run is not better than one of this length. */
  private static final int MAX_RUN = 16;

  @Override
  public void begin(GenerationRequest request, int[] ids, int promptEnd) {
    // everything is in the ids
  }

  @Override
  public int propose(int[] ids, int size, int max) {
    int longest = MIN_RUN - 1;
    int place = -1;
    for (int end = size - 1; end >= MIN_RUN && longest < MAX_RUN; end--) {
      int run = commonRun(ids, end, size);
      if (run > longest) {
        longest = run;
        place = end;
      }
    }
    if (place < 0) {
      return 0;
    }
    for (int i = 0; i < max; i++) {
      ids[size + i] = ids[place + i];
    }
    return max;
  }

  /** How many ids before {@code end} equal those before {@code size}. */
  private static int commonRun(int[] ids, int end, int size) {
    int run = 0;
    while (run < MAX_RUN && run < end && ids[end - 1 - run] == ids[size - 1 - run]) {
      run++;
    }
    return run;
  }

  @Override
  public void close() {
    // it holds nothing
  }
}
