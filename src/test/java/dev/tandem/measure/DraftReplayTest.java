package dev.tandem.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The text decides what is drawn, at every placement, and every step travels. */
class DraftReplayTest {
  private static final int PROMPT = 20;

  private static MeasuredModel model;

  @BeforeAll
  static void open() {
    model = MeasuredModel.open("stories260K");
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static int[] text(int n, int period) {
    int[] part = new Random(5).ints(period, 3, 500).toArray();
    int[] ids = new int[n];
    for (int i = 0; i < n; i++) {
      ids[i] = part[i % period];
    }
    return ids;
  }

  private static DraftReplayRow run(Placement placement, Optional<Draft> draft, int[] ids) {
    return DraftReplay.run(
        model,
        new DraftReplay.Options(
            EngineSettings.defaults(), placement, Optional.empty(), draft, PROMPT),
        "text",
        ids);
  }

  @ParameterizedTest
  @EnumSource(names = "WHOLE", mode = EnumSource.Mode.EXCLUDE)
  void withoutDraftsATokenIsARoundTrip(Placement placement) {
    DraftReplayRow row = run(placement, Optional.empty(), text(60, 60));
    assertThat(row.tokens()).isEqualTo(60 - PROMPT - 1);
    assertThat(row.roundTrips()).isEqualTo(row.tokens());
    assertThat(row.drafted()).isZero();
    assertThat(row.bytesSent()).isGreaterThan(row.roundTrips() * 4 * 64);
  }

  @Test
  void aTextThatRepeatsItselfNeedsFewRoundTrips() {
    DraftReplayRow row =
        run(
            Placement.K0_HIDDEN,
            Optional.of(Draft.ngram().withFixedTokens(7)),
            text(PROMPT + 81, 10));
    assertThat(row.tokens()).isEqualTo(80);
    assertThat(row.roundTrips()).isEqualTo(10); // each step has 1 + 7 tokens
    assertThat(row.accepted()).isEqualTo(70);
    assertThat(row.compared()).isEqualTo(row.accepted());
    assertThat(row.acceptance()).isEqualTo(1);
  }

  @Test
  void aLongTextIsReplayedInWindows() {
    int context = model.maxSeq();
    int[] ids = text(2 * context, 2 * context);
    DraftReplayRow row = run(Placement.K0_HIDDEN, Optional.empty(), ids);
    int windows = (2 * context - PROMPT + context - PROMPT - 1) / (context - PROMPT);
    // The first draw of a window comes with its prompt.
    assertThat(row.tokens()).isEqualTo(2L * context - PROMPT - windows);
    assertThat(row.roundTrips()).isEqualTo(row.tokens());
  }

  @Test
  void aTextThatIsTooShortIsRefused() {
    assertThatThrownBy(() -> run(Placement.K0_HIDDEN, Optional.empty(), text(PROMPT + 1, 5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("text has 21 tokens; a prompt of 20 leaves none to draw");
  }
}
