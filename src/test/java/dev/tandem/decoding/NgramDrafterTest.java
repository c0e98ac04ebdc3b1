package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
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
  void oneEqualTokenIsEnough() {
    assertThat(propose(3, 1, 2, 3, 1)).containsExactly(2, 3, 1);
    assertThat(propose(3, 1, 1)).containsExactly(1, 1, 1);
    assertThat(propose(3, 1)).isEmpty();
    assertThat(propose(3, 1, 2)).isEmpty();
  }

  @Test
  void aLineThatDiffersInItsLastTokenGoesOn() {
    assertThat(propose(2, 1, 2, 3, 4, 5, 6, 1, 2, 3, 9)).containsExactly(5, 6);
    // Two equal tokens are worth more than such a line.
    assertThat(propose(1, 8, 9, 7, 1, 2, 9, 4, 5, 1, 8, 9)).containsExactly(7);
  }

  @Test
  void threeEqualTokensFindTheNextOne() {
    assertThat(NgramDrafter.nextAfterLongest(new int[] {1, 2, 3, 8, 1, 2, 3}, 7)).isEqualTo(8);
    assertThat(NgramDrafter.nextAfterLongest(new int[] {1, 2, 3, 8, 5, 2, 3}, 7)).isEqualTo(-1);
    int[] longer = {0, 1, 2, 3, 7, 9, 1, 2, 3, 8, 0, 1, 2, 3};
    assertThat(NgramDrafter.nextAfterLongest(longer, longer.length)).isEqualTo(7);
    int[] latest = {1, 2, 3, 7, 1, 2, 3, 8, 0, 1, 2, 3};
    assertThat(NgramDrafter.nextAfterLongest(latest, latest.length)).isEqualTo(8);
    assertThat(NgramDrafter.nextAfterLongest(new int[] {6, 6, 6, 6}, 4)).isEqualTo(6);
    assertThat(NgramDrafter.nextAfterLongest(new int[] {6, 6, 6}, 3)).isEqualTo(-1);
  }

  @Test
  void agreesWithASlowSearch() {
    Random random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      int[] text = random.ints(random.nextInt(40) + 1, 0, 3).toArray();
      assertThat(propose(4, text)).as(Arrays.toString(text)).isEqualTo(slow(text));
    }
  }

  /** The weights 0.6^k as whole numbers, so that sums are exact. */
  private static int[] slow(int[] text) {
    BigInteger best = BigInteger.ZERO;
    int place = -1;
    for (int end = 1; end < text.length; end++) {
      BigInteger sum = BigInteger.ZERO;
      boolean near = false;
      for (int k = 0; k < 18 && k < end; k++) {
        if (text[end - 1 - k] == text[text.length - 1 - k]) {
          near |= k < 2;
          sum = sum.add(BigInteger.valueOf(3).pow(k).multiply(BigInteger.valueOf(5).pow(17 - k)));
        }
      }
      if (near && sum.compareTo(best) >= 0) {
        best = sum;
        place = end;
      }
    }
    if (place < 0) {
      return new int[0];
    }
    int[] all = Arrays.copyOf(text, text.length + 4);
    for (int i = 0; i < 4; i++) {
      all[text.length + i] = all[place + i];
    }
    return Arrays.copyOfRange(all, text.length, all.length);
  }
}
