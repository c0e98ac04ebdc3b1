package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.runtime.SplitTimes.Choice;
import dev.tandem.runtime.SplitTimes.Sizes;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The cut that is chosen is the fastest one by the measured times. */
class SplitTimesTest {
  private static final List<Reply> ALL = List.of(Reply.HIDDEN, Reply.TOPK, Reply.LOGITS);

  /** GPT-2's sizes. */
  private static Sizes gpt2(int minHere, int maxHere, List<Reply> replies) {
    return new Sizes(12, minHere, maxHere, replies, 768, 50_257, 64, RowType.F32);
  }

  private static SplitTimes times(
      Sizes sizes, double roundTrip, double perByte, double here, double there) {
    return new SplitTimes(sizes, roundTrip, perByte, here, there, 3 * here, 3 * there, 15 * here);
  }

  @Test
  void aFastServerNearbyRunsEverything() {
    Choice choice = times(gpt2(0, 12, ALL), 1, 1e-5, 10, 0.4).best(true);
    assertThat(choice.layers()).isZero();
    assertThat(choice.reply()).isEqualTo(Reply.TOPK);
  }

  /** Whole rows of logits are 201 KB, which costs less than a slow head only on a fast network. */
  @Test
  void theHeadRunsWhereItIsFaster() {
    assertThat(times(gpt2(0, 12, ALL), 1, 1e-5, 10, 0.4).best(false).reply())
        .isEqualTo(Reply.LOGITS);
    assertThat(times(gpt2(0, 12, ALL), 20, 1.6e-3, 10, 0.4).best(false).reply())
        .isEqualTo(Reply.HIDDEN);
  }

  @Test
  void behindASlowNetworkEverythingRunsHere() {
    SplitTimes times = times(gpt2(0, 12, ALL), 150, 1.6e-3, 1, 0.4);
    Choice choice = times.best(true);
    assertThat(choice.layers()).isEqualTo(12);
    assertThat(choice.reply()).isEqualTo(Reply.HIDDEN);
    assertThat(choice.millis()).isCloseTo(15, within(1e-9));
    assertThat(times.reason(choice)).endsWith("about 15.0 ms a token (all here: 15.0 ms)");
  }

  @Test
  void onlyWhatIsThereIsChosen() {
    Choice choice = times(gpt2(2, 5, List.of(Reply.HIDDEN)), 150, 1.6e-3, 0.1, 0.4).best(true);
    assertThat(choice.layers()).isEqualTo(5);
    assertThat(times(gpt2(2, 5, List.of(Reply.LOGITS)), 1, 1.6e-3, 1, 0.4).best(true))
        .extracting(Choice::layers, Choice::reply)
        .containsExactly(2, Reply.LOGITS);
  }

  @Test
  void bytesOfAnswers() {
    Sizes sizes = gpt2(0, 12, ALL);
    assertThat(sizes.replyBytes(Reply.HIDDEN)).isEqualTo(48 + 3072);
    assertThat(sizes.replyBytes(Reply.LOGITS)).isEqualTo(48 + 201_028);
    assertThat(sizes.replyBytes(Reply.TOPK)).isEqualTo(48 + 8 * 65);
  }

  @Test
  void theReasonNamesWhatWasMeasured() {
    SplitTimes times = times(gpt2(0, 12, ALL), 50, 1.6e-3, 10, 0.4);
    assertThat(times.reason(times.best(false)))
        .isEqualTo(
            "a round trip takes 50.0 ms and 1000 bytes 1.60 ms,"
                + " a layer 10.00 ms here and 0.40 ms on the server, the head 30.00 and 1.20 ms:"
                + " about 84.8 ms a token (all here: 150.0 ms)");
  }
}
