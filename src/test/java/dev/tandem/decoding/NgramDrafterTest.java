package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Guesses from the text so far. */
class NgramDrafterTest {
  private static int[] propose(int max, int... text) {
    int[] ids = Arrays.copyOf(text, text.length + max);
    int n = new NgramDrafter().propose(ids, text.length, max);
    assertThat(Arrays.copyOf(ids, text.length)).isEqualTo(text);
    return Arrays.copyOfRange(ids, text.length, text.length + n);
  }

  @Test
  void proposesWhatFollowedTheSameTokens() {
    assertThat(propose(3, 1, 2, 3, 4, 5, 6, 1, 2)).containsExactly(3, 4, 5);
  }

  @Test
  void aLongerRunWinsAndThenTheLatest() {
    assertThat(propose(1, 7, 1, 2, 8, 9, 1, 2, 3, 7, 1, 2)).containsExactly(8);
    assertThat(propose(1, 5, 1, 2, 8, 6, 1, 2, 3, 9, 1, 2)).containsExactly(3);
  }

  @Test
  void aPeriodGoesOn() {
    assertThat(propose(7, 1, 2, 3, 1, 2, 3, 1, 2)).containsExactly(3, 1, 2, 3, 1, 2, 3);
    assertThat(propose(4, 6, 6, 6)).containsExactly(6, 6, 6, 6);
  }

  @Test
  void oneEqualTokenIsNotEnough() {
    assertThat(propose(3, 1, 2, 3, 1)).isEmpty();
    assertThat(propose(3, 1)).isEmpty();
    assertThat(propose(3, 1, 1)).isEmpty();
  }

  @Test
  void agreesWithASlowSearch() {
    Random random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      int[] text = random.ints(random.nextInt(40) + 1, 0, 3).toArray();
      assertThat(propose(4, text)).as(Arrays.toString(text)).isEqualTo(slow(text));
    }
  }

  /** Tries the longest run first, and each place from the end. */
  private static int[] slow(int[] text) {
    for (int run = Math.min(16, text.length - 1); run >= 2; run--) {
      int[] suffix = Arrays.copyOfRange(text, text.length - run, text.length);
      for (int end = text.length - 1; end >= run; end--) {
        if (Arrays.equals(Arrays.copyOfRange(text, end - run, end), suffix)) {
          int[] all = Arrays.copyOf(text, text.length + 4);
          for (int i = 0; i < 4; i++) {
            all[text.length + i] = all[end + i];
          }
          return Arrays.copyOfRange(all, text.length, all.length);
        }
      }
    }
    return new int[0];
  }
}
