package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** The length of drafts follows from what they cost and how often they are right. */
class DraftLengthTest {
  private static final int STEPS = 400;

  /** The mean length over the last steps, with made-up times in nanoseconds. */
  private static double settled(double acceptance, double base, double perRow, double perGuess) {
    Random random = new Random(1);
    DraftLength length = new DraftLength(16, true);
    double sum = 0;
    for (int i = 0; i < STEPS; i++) {
      int n = length.next();
      assertThat(n).isBetween(0, 16);
      int accepted = 0;
      while (accepted < n && random.nextDouble() < acceptance) {
        accepted++;
      }
      length.stepDone(n, accepted, (long) (base + perRow * (n + 1)), (long) (perGuess * n));
      sum += i >= STEPS / 2 ? n : 0;
    }
    return sum / (STEPS / 2);
  }

  @Test
  void aSlowLinkAndGoodGuessesMakeLongDrafts() {
    assertThat(settled(0.95, 50e6, 1e6, 0)).isGreaterThan(8);
    assertThat(settled(1, 10e6, 1e5, 0)).isGreaterThan(14);
  }

  @Test
  void badGuessesAreNotMade() {
    assertThat(settled(0.0, 1e6, 1e6, 0)).isLessThan(0.6);
    assertThat(settled(0.2, 1e6, 1e6, 5e5)).isLessThan(0.6);
  }

  @Test
  void betweenThemTheLengthIsInBetween() {
    double few = settled(0.6, 50e6, 1e6, 1e6);
    assertThat(few).isBetween(2.0, 9.0);
    assertThat(settled(0.6, 50e6, 10e6, 1e6)).isLessThan(few);
    assertThat(settled(0.6, 50e6, 1e6, 10e6)).isLessThan(few);
  }

  @Test
  void itTriesAgainWhenGuessesGetBetter() {
    DraftLength length = new DraftLength(8, true);
    for (int i = 0; i < 100; i++) {
      int n = length.next();
      length.stepDone(n, 0, 1_000L * (n + 1), 1_000L * n);
    }
    assertThat(length.next()).isZero();
    int longest = 0;
    for (int i = 0; i < 300; i++) {
      int n = length.next();
      length.stepDone(n, n, 50_000 + 100L * n, 0);
      longest = Math.max(longest, n);
    }
    assertThat(longest).isEqualTo(8);
  }

  @Test
  void aFixedLengthStays() {
    DraftLength fixed = new DraftLength(5, false);
    for (int i = 0; i < 100; i++) {
      assertThat(fixed.next()).isEqualTo(5);
      fixed.stepDone(5, 0, 1_000_000, 1_000_000);
    }
  }

  @Test
  void withoutDraftsThereIsNothingToChoose() {
    DraftLength none = new DraftLength(0, true);
    for (int i = 0; i < 100; i++) {
      assertThat(none.next()).isZero();
      none.stepDone(0, 0, 1_000, 0);
    }
  }
}
