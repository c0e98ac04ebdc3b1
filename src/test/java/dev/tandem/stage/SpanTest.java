package dev.tandem.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.settings.Output;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpanTest {
  private static final int L = 4;

  @ParameterizedTest
  @CsvSource({"-1,0", "3,2", "-2147483648,2147483647", "0,-1"})
  void whatIsNoRangeIsRefused(int begin, int end) {
    for (Output output : Output.values()) {
      assertThatThrownBy(() -> new Span(begin, end, output))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(begin + ":" + end);
    }
  }

  /** Compared with the sets of places that the spans cover: layers, and the head as place L. */
  @Test
  void containsIsInclusionOfPlaces() {
    int contained = 0;
    for (int offered = 0; offered < 2 * (L + 1) * (L + 1); offered++) {
      for (int wanted = 0; wanted < 2 * (L + 1) * (L + 1); wanted++) {
        if (isSpan(offered) && isSpan(wanted)) {
          Span a = span(offered);
          Span b = span(wanted);
          boolean inside = b.begin() >= a.begin() && b.end() <= a.end();
          boolean head = !b.hasHead() || (a.hasHead() && b.end() == L && a.end() == L);
          assertThat(a.contains(b)).as("%s in %s", b, a).isEqualTo(inside && head);
          contained += inside && head ? 1 : 0;
        }
      }
    }
    assertThat(contained).isGreaterThan(L);
  }

  /** A head follows the last layer. */
  private static boolean isSpan(int code) {
    int begin = code / 2 % (L + 1);
    int end = code / 2 / (L + 1);
    return begin <= end && (code % 2 == 0 || end == L);
  }

  private static Span span(int code) {
    return new Span(
        code / 2 % (L + 1), code / 2 / (L + 1), code % 2 == 0 ? Output.HIDDEN : Output.LOGITS);
  }

  @Test
  void theExceptionSaysWhatThereIsAndWhatWasRequested() {
    Span.layers(1, 3).checkWithin(Span.whole(L), "the model");
    assertThatThrownBy(() -> Span.toLogits(1, L).checkWithin(Span.layers(2, L), "the server"))
        .isInstanceOfSatisfying(
            MissingSpanException.class,
            e -> {
              assertThat(e.requested()).isEqualTo(Span.toLogits(1, L));
              assertThat(e.held()).isEqualTo("layers 2:4");
            })
        .hasMessage("the server has layers 2:4; requested: layers 1:4 with head");
  }

  @Test
  void shownToPeople() {
    assertThat(Span.whole(12)).hasToString("layers 0:12 with head");
    assertThat(Span.layers(2, 4)).hasToString("layers 2:4");
    assertThat(Span.head(4)).hasToString("the head");
    assertThat(Span.layers(0, 0)).hasToString("no layers");
  }
}
