package dev.tandem.measure;

import dev.tandem.api.ModelException;
import dev.tandem.api.RequestException;
import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.GeneratorFactory;
import dev.tandem.runtime.LocalModel;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/**
 * Continues the same prompt greedily with several backends and compares their tokens. The backends
 * run one after another, each with the whole machine. The others are compared with the first one.
 */
public final class Comparison {
  /** A run is repeated up to this many times, or until this time has passed; the median counts. */
  private static final int RUNS = 3;

  private static final long ENOUGH_NANOS = 2_000_000_000L;

  private final Checkpoint checkpoint;
  private final EngineSettings settings;
  private final int[] prompt;
  private final int maxTokens;
  private final Watcher watcher;
  private final BiFunction<Backend, Stage, Stage> wrapped;

  /** Receives the progress of a comparison. */
  public interface Watcher {
    /** Ignores the progress. */
    Watcher NONE = (backend, tokens) -> {};

    /**
     * Reports the number of tokens that a backend has chosen in a run; 0 while it is being loaded.
     *
     * @param tokens the tokens so far, at most the requested number
     */
    void progress(Backend backend, int tokens);
  }

  /**
   * Prepares a comparison.
   *
   * @param wrapped gives the stage to compare in place of a backend's own stage
   */
  Comparison(
      Checkpoint checkpoint,
      EngineSettings settings,
      int[] prompt,
      int maxTokens,
      Watcher watcher,
      BiFunction<Backend, Stage, Stage> wrapped) {
    this.checkpoint = checkpoint;
    this.settings = settings;
    this.prompt = prompt.clone();
    this.maxTokens = maxTokens;
    this.watcher = watcher;
    this.wrapped = wrapped;
  }

  /**
   * Runs the comparison.
   *
   * @param backends at least one; the others are compared with the first one
   * @param settings the settings; their backend is ignored
   * @param maxTokens tokens of the continuation, at least 1
   * @throws RequestException if the prompt does not fit the model
   * @throws ModelException if the model cannot be read, or a native backend cannot be loaded
   */
  public static ComparisonResult run(
      MeasuredModel model,
      EngineSettings settings,
      List<Backend> backends,
      int[] prompt,
      int maxTokens,
      Watcher watcher) {
    return model.measure(
        checkpoint ->
            new Comparison(
                    checkpoint, settings, prompt, maxTokens, watcher, (backend, stage) -> stage)
                .run(backends));
  }

  private record Run(
      Backend backend,
      List<Integer> ids,
      List<float[]> logits,
      double seconds,
      long peakRssBytes) {}

  ComparisonResult run(List<Backend> backends) throws IOException, GenerationException {
    List<Run> runs = new ArrayList<>();
    for (Backend backend : backends) {
      runs.add(run(backend));
    }
    Optional<Run> naive = runs.stream().filter(r -> r.backend() == Backend.NAIVE).findFirst();
    Run reference = runs.get(0);
    List<ComparisonRow> rows = new ArrayList<>();
    for (Run run : runs) {
      double speedUp = naive.isEmpty() ? Double.NaN : naive.get().seconds() / run.seconds();
      rows.add(
          new ComparisonRow(
              run.backend(),
              run.ids(),
              (prompt.length + run.ids().size()) / run.seconds(),
              speedUp,
              run.peakRssBytes(),
              largestDifference(reference, run),
              difference(reference, run)));
    }
    return new ComparisonResult(IntStream.of(prompt).boxed().toList(), rows);
  }

  private Run run(Backend backend) throws IOException, GenerationException {
    watcher.progress(backend, 0);
    ProcessMemory.resetPeak();
    try (LocalModel model = LocalModel.open(checkpoint, settings.withBackend(backend));
        Stage stage = model.openStage(Span.whole(checkpoint.config().nLayers()))) {
      Stage watched = wrapped.apply(backend, stage);
      generate(new RecordingStage(watched), Arrays.copyOf(prompt, 1), 1); // warms up
      List<Double> seconds = new ArrayList<>();
      long start = System.nanoTime();
      RecordingStage recorder;
      GenerationResult result;
      do {
        recorder = new RecordingStage(watched, n -> watcher.progress(backend, n));
        result = generate(recorder, prompt, maxTokens);
        seconds.add(stageSeconds(result));
      } while (seconds.size() < RUNS && System.nanoTime() - start < ENOUGH_NANOS);
      double median =
          Quartiles.of(seconds.stream().mapToDouble(Double::doubleValue).toArray()).median();
      List<Integer> ids = IntStream.of(result.ids()).boxed().toList();
      return new Run(backend, ids, recorder.rows(), median, ProcessMemory.peakRssBytes());
    }
  }

  private static double stageSeconds(GenerationResult result) {
    return (result.timings().promptNanos() + result.timings().decodeNanos()) / 1e9;
  }

  private GenerationResult generate(Stage stage, int[] ids, int tokens)
      throws IOException, GenerationException {
    Generator generator =
        new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(stage));
    return generator.run(
        GenerationRequest.of(ids)
            .sampling(SamplingOptions.greedy())
            .ignoreEos(true)
            .maxTokens(tokens),
        TokenSink.NONE);
  }

  /** The number of equal tokens before the first difference. */
  private static int common(Run a, Run b) {
    int n = 0;
    while (n < a.ids().size() && a.ids().get(n).equals(b.ids().get(n))) {
      n++;
    }
    return n;
  }

  /** The largest difference of logits that both computed after the same tokens. */
  private static double largestDifference(Run reference, Run run) {
    double largest = 0;
    int rows = Math.min(common(reference, run) + 1, run.logits().size());
    for (int row = 0; row < rows; row++) {
      float[] a = reference.logits().get(row);
      float[] b = run.logits().get(row);
      for (int i = 0; i < a.length; i++) {
        largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
      }
    }
    return largest;
  }

  private Optional<Disagreement> difference(Run reference, Run run) throws IOException {
    int at = common(reference, run);
    if (at == run.ids().size()) {
      return Optional.empty();
    }
    int[] ids = Arrays.copyOf(prompt, prompt.length + at);
    for (int i = 0; i < at; i++) {
      ids[prompt.length + i] = run.ids().get(i);
    }
    int id = run.ids().get(at);
    int referenceId = reference.ids().get(at);
    return Optional.of(
        new Disagreement(
            at,
            id,
            gap(run.logits().get(at), id, referenceId),
            referenceId,
            gap(reference.logits().get(at), referenceId, id),
            RoundingBound.ofGap(
                checkpoint,
                LocalModel.stageOptions(settings, checkpoint),
                settings.threads(),
                ids)));
  }

  private static double gap(float[] logits, int chosen, int other) {
    return (double) logits[chosen] - logits[other];
  }
}
