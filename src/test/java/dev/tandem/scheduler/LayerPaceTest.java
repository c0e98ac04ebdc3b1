package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** The time of a layer follows the calls, and begins with the first one. */
class LayerPaceTest {

  @Test
  void nothingIsKnownBeforeTheFirstCall() {
    LayerPace pace = new LayerPace(OptionalDouble.empty());
    assertThat(pace.millis()).isEmpty();
    pace.add(24_000_000, 12);
    assertThat(pace.millis()).hasValue(2);
  }

  @Test
  void laterCallsChangeItSlowly() {
    LayerPace pace = new LayerPace(OptionalDouble.of(1));
    pace.add(40_000_000, 4);
    assertThat(pace.millis().orElseThrow()).isCloseTo(1.45, within(1e-12));
    for (int i = 0; i < 200; i++) {
      pace.add(40_000_000, 4);
    }
    assertThat(pace.millis().orElseThrow()).isCloseTo(10, within(0.01));
  }
}
