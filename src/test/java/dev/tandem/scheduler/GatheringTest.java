package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Times are in nanoseconds; every batch takes 1,000, so the limit is 500. */
class GatheringTest {
  private final Gathering gathering = new Gathering();
  private final Gathering.Pace a = new Gathering.Pace();
  private final Gathering.Pace b = new Gathering.Pace();

  private void batch(long end, Gathering.Pace... paces) {
    for (Gathering.Pace pace : paces) {
      gathering.stepDone(pace, end);
    }
    gathering.batchDone(1_000, end);
  }

  @Test
  void aQuickSequenceIsWaitedForAndASlowOneIsNot() {
    batch(1_000, a, b);
    assertThat(gathering.waitNanos(1_000)).as("nothing is known of them").isNotPositive();
    gathering.stepCame(a, 1_100);
    gathering.stepCame(b, 1_600);
    batch(3_000, a, b);
    assertThat(gathering.waitNanos(3_100)).as("for a").isEqualTo(400);
    gathering.stepCame(a, 3_100);
    assertThat(gathering.waitNanos(3_100)).as("b was slow").isNotPositive();
  }

  @Test
  void whoIsLateIsWaitedForAgainOnceItWasQuickAgain() {
    batch(1_000, a);
    gathering.stepCame(a, 1_100);
    batch(3_000, a);
    assertThat(gathering.waitNanos(3_500)).as("the time is over").isNotPositive();
    gathering.gone(a);
    assertThat(gathering.isAwaiting()).isFalse();
    gathering.stepCame(a, 3_700);
    batch(5_000, a);
    assertThat(gathering.isAwaiting()).isFalse();
    gathering.stepCame(a, 5_300);
    batch(7_000, a);
    assertThat(gathering.waitNanos(7_000)).isEqualTo(500);
  }

  @Test
  void whoIsClosedIsNotWaitedFor() {
    batch(1_000, a, b);
    gathering.stepCame(a, 1_001);
    gathering.stepCame(b, 1_001);
    batch(3_000, a, b);
    gathering.gone(b);
    assertThat(gathering.isAwaiting()).isTrue();
    gathering.gone(a);
    gathering.gone(a);
    assertThat(gathering.waitNanos(3_000)).isNotPositive();
    assertThat(gathering.isAwaiting()).isFalse();
  }
}
