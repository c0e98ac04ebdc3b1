package dev.tandem.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.api.ModelException;
import dev.tandem.api.Tandem;
import dev.tandem.api.TandemException;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.WeightType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Measurements through the public line. */
class MeasuredModelTest {
  private static final String STORIES = "stories260K";

  /** No machine has this instruction set. */
  private static final EngineSettings UNKNOWN_ISA =
      new EngineSettings(1, "abacus", Optional.empty(), Optional.empty(), false, 0);

  private static List<BenchmarkRow> bench(MeasuredModel model, Placement placement) {
    List<BenchmarkRow> rows = new ArrayList<>();
    BenchmarkOptions options =
        new BenchmarkOptions(
            EngineSettings.defaults(),
            List.of(placement),
            List.of(1),
            8,
            List.of(4),
            List.of(2),
            1);
    SystemReport system = Benchmark.run(model, options, rows::add);
    assertThat(system.threads()).isEqualTo(1);
    assertThat(system.readGbps()).isPositive();
    return rows;
  }

  /** One model, opened once, and everything that is measured of it. */
  @Test
  void aModelIsMeasuredSeveralTimes() {
    ModelSource source = ModelSource.of(STORIES).withType(WeightType.Q8_0);
    try (MeasuredModel model = MeasuredModel.open(source, LoadListener.NONE)) {
      assertThat(model.name()).isEqualTo(STORIES);
      assertThat(model.notes()).isEmpty();
      for (Placement placement : List.of(Placement.WHOLE, Placement.HALF_HIDDEN)) {
        assertThat(bench(model, placement))
            .singleElement()
            .satisfies(
                row -> {
                  assertThat(row.placement()).isEqualTo(placement.toString());
                  assertThat(row.type()).contains("q8_0");
                  assertThat(row.batch()).isEqualTo(2);
                  assertThat(row.decodeMsPerToken()).isPositive();
                });
      }
      int[] ids = model.tokenizer().encode("Once upon a time", false);
      Perplexity.Options windows = new Perplexity.Options(ids.length, ids.length);
      EngineSettings settings = EngineSettings.defaults().withBackend(Backend.JAVA);
      assertThat(Perplexity.notes(settings)).isEmpty();
      Perplexity.Result result = Perplexity.measure(model, settings, ids, windows, soFar -> {});
      assertThat(result.scored()).isEqualTo(ids.length - 1);
      assertThat(result.perplexity()).isBetween(1.0, 512.0);
    }
  }

  @Test
  void randomWeightsHaveAShape() {
    List<Long> converted = new ArrayList<>();
    try (MeasuredModel model =
        MeasuredModel.random(
            "stories15M", Optional.of(WeightType.Q4_0), (done, total) -> converted.add(done))) {
      assertThat(model.maxSeq()).isEqualTo(256);
      assertThat(model.tokenizer().vocabSize()).isEqualTo(32000);
    }
    assertThat(converted).isSorted().hasSizeGreaterThan(1);
    assertThatThrownBy(() -> MeasuredModel.random("gpt5", Optional.empty(), LoadListener.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stories15M");
  }

  @Test
  void failuresAreOfTheFamily() {
    assertThatThrownBy(() -> MeasuredModel.open("no-such-model"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no-such-model");
    try (MeasuredModel model = MeasuredModel.open(STORIES)) {
      Perplexity.Options windows = new Perplexity.Options(2, 2);
      assertThatThrownBy(
              () -> Perplexity.measure(model, UNKNOWN_ISA, new int[] {1, 2}, windows, soFar -> {}))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("abacus");
    }
    assertThatThrownBy(() -> SystemReport.measure(UNKNOWN_ISA))
        .isInstanceOf(TandemException.class)
        .hasMessageContaining("abacus");
    assertThatThrownBy(() -> Tandem.model(STORIES).settings(UNKNOWN_ISA).open())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("abacus");
  }
}
