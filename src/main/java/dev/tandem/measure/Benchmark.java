package dev.tandem.measure;

import dev.tandem.api.ModelException;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.engine.Engine;
import dev.tandem.measure.stages.SequenceGroup;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Measures a model's steps against the limits of this machine's memory and BLAS. Every run is
 * paired with a probe at the same moment: on a shared machine the bandwidth changes from second to
 * second, and only the ratio of a pair means something.
 */
public final class Benchmark {
  private static final int WARM_UP = 3;
  private static final long SEED = 42;

  private final Checkpoint checkpoint;
  private final BenchmarkOptions options;
  private final EmbeddingTable embedding;
  private final int[] ids;

  private Benchmark(Checkpoint checkpoint, BenchmarkOptions options) {
    this.checkpoint = checkpoint;
    this.options = options;
    this.embedding = EmbeddingTable.of(checkpoint);
    ids =
        new Random(SEED)
            .ints(checkpoint.config().maxSeq(), 0, checkpoint.config().vocabSize())
            .toArray();
  }

  /**
   * Measures everything that the options ask for, and passes on each row when it is done.
   *
   * @return the limits of this machine
   * @throws IllegalArgumentException if a prompt or context does not fit the model
   * @throws ModelException if the model cannot be read, or the native libraries cannot be loaded
   */
  public static SystemReport run(
      MeasuredModel model, BenchmarkOptions options, Consumer<BenchmarkRow> rows) {
    return model.measure(checkpoint -> run(checkpoint, options, rows));
  }

  private static SystemReport run(
      Checkpoint checkpoint, BenchmarkOptions options, Consumer<BenchmarkRow> rows)
      throws IOException {
    int maxSeq = checkpoint.config().maxSeq();
    for (int context : options.contexts()) {
      if (context >= maxSeq) {
        throw new IllegalArgumentException(
            "context " + context + " leaves no room in the model's " + maxSeq + " positions");
      }
    }
    if (options.promptTokens() > maxSeq) {
      throw new IllegalArgumentException(
          "prompt of " + options.promptTokens() + " exceeds the model's " + maxSeq + " positions");
    }
    return new Benchmark(checkpoint, options).run(rows);
  }

  private SystemReport run(Consumer<BenchmarkRow> rows) throws IOException {
    List<SystemReport> system = new ArrayList<>();
    for (int threads : options.threads()) {
      EngineSettings settings = options.settings().withThreads(threads);
      for (Placement placement : options.placements()) {
        long start = System.nanoTime();
        try (PlacedModel model = new PlacedModel(checkpoint, settings, placement)) {
          double loadMs = millis(System.nanoTime() - start);
          if (system.isEmpty()) {
            system.add(SystemReport.measure(model.engine()));
          }
          measure(model, placement, loadMs, rows);
        }
      }
    }
    return system.get(0);
  }

  private void measure(
      PlacedModel model, Placement placement, double loadMs, Consumer<BenchmarkRow> rows)
      throws IOException {
    Prompt prompt = prompt(model);
    HostOverhead hostOverhead = new HostOverhead(checkpoint, model.stages(), options.repeat());
    Quartiles javaUs = hostOverhead.usPerToken(SamplingOptions.builder().build());
    Quartiles javaGreedyUs = hostOverhead.usPerToken(SamplingOptions.greedy());
    for (int batch : options.batches()) {
      for (int context : options.contexts()) {
        Decode decode = decode(model, batch, context);
        rows.accept(
            new BenchmarkRow(
                checkpoint.name(),
                placement.toString(),
                model.matrixTypes(),
                model.kvType().name().toLowerCase(Locale.ROOT),
                model.engine().threads(),
                batch,
                context,
                decode.stepMs().median(),
                decode.floorMs().median(),
                decode.share().median(),
                List.of(decode.share().lower(), decode.share().upper()),
                javaUs.median(),
                javaGreedyUs.median(),
                1000 * batch / decode.stepMs().median(),
                options.promptTokens(),
                prompt.tokensPerSecond().median(),
                prompt.share().median(),
                List.of(prompt.share().lower(), prompt.share().upper()),
                loadMs,
                ProcessMemory.peakRssBytes()));
      }
    }
  }

  private record Decode(Quartiles stepMs, Quartiles floorMs, Quartiles share) {}

  private Decode decode(PlacedModel model, int batch, int context) throws IOException {
    ModelConfig config = checkpoint.config();
    FloatBuffer rows = SequenceGroup.direct((long) batch * config.dModel());
    long bytes = model.weightBytes() + batch * kvBytes(model, context + 1);
    double[] stepMs = new double[options.repeat()];
    double[] floorMs = new double[options.repeat()];
    double[] share = new double[options.repeat()];
    try (SequenceGroup sequences = new SequenceGroup(model.stages(), batch, context + 1)) {
      for (int i = 0; i < batch; i++) {
        if (context > 0) {
          sequences.prompt(i, promptRows(context), context);
        }
        embedding.lookup(ids, i, i + 1, context, rows, i * config.dModel());
      }
      for (int i = -WARM_UP; i < options.repeat(); i++) {
        double probe = model.engine().probeReadSeconds(bytes);
        double step = millis(sequences.generated(context, rows));
        if (i >= 0) {
          floorMs[i] = 1000 * probe;
          stepMs[i] = step;
          share[i] = floorMs[i] / step;
        }
      }
      return new Decode(Quartiles.of(stepMs), Quartiles.of(floorMs), Quartiles.of(share));
    }
  }

  private record Prompt(Quartiles tokensPerSecond, Quartiles share) {}

  private Prompt prompt(PlacedModel model) throws IOException {
    int n = options.promptTokens();
    int chunkRows = model.stages().get(0).profile().chunkRows();
    FloatBuffer rows = promptRows(n);
    double[] rate = new double[options.repeat()];
    double[] share = new double[options.repeat()];
    try (SequenceGroup sequences = new SequenceGroup(model.stages(), 1, n)) {
      for (int i = -WARM_UP; i < options.repeat(); i++) {
        double sgemmFlops = sgemmFlopsPerSecond(model.engine(), chunkRows);
        double seconds = sequences.prompt(0, rows, n) / 1e9;
        if (i >= 0) {
          rate[i] = n / seconds;
          share[i] = 2.0 * layerWeights() * n / seconds / sgemmFlops;
        }
      }
    }
    return new Prompt(Quartiles.of(rate), Quartiles.of(share));
  }

  /** The embedding of the first {@code n} random ids. */
  private FloatBuffer promptRows(int n) throws IOException {
    FloatBuffer rows = SequenceGroup.direct((long) n * checkpoint.config().dModel());
    embedding.lookup(ids, 0, n, 0, rows, 0);
    return rows;
  }

  /** The rate of sgemm alone with C rows on the shapes of one layer. */
  private double sgemmFlopsPerSecond(Engine engine, int chunkRows) {
    ModelConfig c = checkpoint.config();
    int rows = Math.min(chunkRows, options.promptTokens());
    int q = c.nHeads() * c.headDim();
    int kv = c.nKvHeads() * c.headDim();
    double seconds =
        engine.probeSgemmSeconds(rows, q + 2 * kv, c.dModel())
            + engine.probeSgemmSeconds(rows, c.dModel(), q)
            + (c.gatedFfn() ? 2 : 1) * engine.probeSgemmSeconds(rows, c.dFf(), c.dModel())
            + engine.probeSgemmSeconds(rows, c.dModel(), c.dFf());
    return 2.0 * rows * layerWeights() / c.nLayers() / seconds;
  }

  /** Elements of all layers' matrices. */
  private long layerWeights() {
    ModelConfig c = checkpoint.config();
    long q = (long) c.nHeads() * c.headDim();
    long kv = (long) c.nKvHeads() * c.headDim();
    long ffn = (c.gatedFfn() ? 3L : 2L) * c.dFf();
    return c.nLayers() * (c.dModel() * (2 * q + 2 * kv) + c.dModel() * ffn);
  }

  /** Bytes of the KV caches of all layers, for one sequence. */
  private long kvBytes(PlacedModel model, int positions) {
    ModelConfig c = checkpoint.config();
    return 2L * c.nLayers() * c.nKvHeads() * model.kvType().rowBytes(c.headDim()) * positions;
  }

  private static double millis(long nanos) {
    return nanos / 1e6;
  }
}
