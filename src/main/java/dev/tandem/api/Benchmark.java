package dev.tandem.api;

import dev.tandem.config.ModelConfig;
import dev.tandem.engine.Engine;
import dev.tandem.engine.LoadedModel;
import dev.tandem.engine.LocalStage;
import dev.tandem.sampling.Sampler;
import dev.tandem.sampling.Samplers;
import dev.tandem.sampling.SamplingOptions;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.tokenizer.StreamingDecoder;
import dev.tandem.weights.Checkpoint;
import dev.tandem.weights.EmbeddingTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Measures a model's steps against what the memory and the BLAS of this machine allow. Every run is
 * paired with a probe in the same moment, because on a shared machine the bandwidth changes from
 * second to second and only the ratio of a pair means anything.
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
   * Measures everything that is asked for; rows are handed out as they are done.
   *
   * @throws IllegalArgumentException if a prompt or context does not fit the model
   */
  public static SystemReport run(
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
      try (Engine engine = new Engine(threads, options.settings().isa())) {
        system.add(SystemReport.measure(engine));
        long start = System.nanoTime();
        try (LoadedModel model = engine.load(checkpoint);
            LocalStage stage =
                model.openStage(
                    0,
                    checkpoint.config().nLayers(),
                    true,
                    options.settings().stageOptions(checkpoint.config()))) {
          double loadMs = millis(System.nanoTime() - start);
          measure(engine, stage, loadMs, rows);
        }
      }
    }
    return system.get(0);
  }

  private void measure(Engine engine, LocalStage stage, double loadMs, Consumer<BenchmarkRow> rows)
      throws IOException {
    Prompt prompt = prompt(engine, stage);
    for (int batch : options.batches()) {
      for (int context : options.contexts()) {
        Decode decode = decode(engine, stage, batch, context);
        rows.accept(
            new BenchmarkRow(
                checkpoint.name(),
                "f32",
                engine.threads(),
                batch,
                context,
                decode.stepMs().median(),
                decode.floorMs().median(),
                decode.share().median(),
                List.of(decode.share().lower(), decode.share().upper()),
                decode.javaUs().median(),
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

  private record Decode(Quartiles stepMs, Quartiles floorMs, Quartiles share, Quartiles javaUs) {}

  private Decode decode(Engine engine, LocalStage stage, int batch, int context)
      throws IOException {
    ModelConfig config = checkpoint.config();
    List<Sequence> sequences = new ArrayList<>();
    try {
      for (int i = 0; i < batch; i++) {
        sequences.add(stage.openSequence(context + 1));
        if (context > 0) {
          prefill(stage, sequences.get(i), context);
        }
      }
      FloatBuffer in = direct((long) batch * config.dModel());
      FloatBuffer out = direct((long) batch * config.vocabSize());
      Batch step = new Batch();
      for (int i = 0; i < batch; i++) {
        step.add(sequences.get(i), context, 1, RowKind.GENERATED, false, 0, 1);
        embedding.lookup(ids, i, i + 1, context, in, i * config.dModel());
      }
      long bytes = stage.weightBytes() + (long) batch * kvBytes(config, context + 1);
      Sampler sampler = Samplers.of(SamplingOptions.builder().build(), config.vocabSize());
      StreamingDecoder decoder = checkpoint.tokenizer().decoder();
      double[] stepMs = new double[options.repeat()];
      double[] floorMs = new double[options.repeat()];
      double[] share = new double[options.repeat()];
      double[] javaUs = new double[options.repeat()];
      for (int i = -WARM_UP; i < options.repeat(); i++) {
        double probe = engine.probeReadSeconds(bytes);
        long begin = System.nanoTime();
        stage.step(step, in, out);
        long computed = System.nanoTime();
        int id = sampler.sample(out, 0, context + 1);
        sampler.accept(id);
        decoder.next(id);
        ids[0] = id;
        embedding.lookup(ids, 0, 1, context, in, 0);
        long end = System.nanoTime();
        if (i >= 0) {
          floorMs[i] = 1000 * probe;
          stepMs[i] = millis(computed - begin);
          share[i] = floorMs[i] / stepMs[i];
          javaUs[i] = (end - computed) / 1e3;
        }
      }
      return new Decode(
          Quartiles.of(stepMs), Quartiles.of(floorMs), Quartiles.of(share), Quartiles.of(javaUs));
    } finally {
      sequences.forEach(Sequence::close);
    }
  }

  private record Prompt(Quartiles tokensPerSecond, Quartiles share) {}

  private Prompt prompt(Engine engine, LocalStage stage) throws IOException {
    int n = options.promptTokens();
    double[] rate = new double[options.repeat()];
    double[] share = new double[options.repeat()];
    try (Sequence sequence = stage.openSequence(n)) {
      for (int i = -WARM_UP; i < options.repeat(); i++) {
        double sgemmFlops = sgemmFlopsPerSecond(engine, stage.profile().chunkRows());
        double seconds = prefill(stage, sequence, n);
        if (i >= 0) {
          rate[i] = n / seconds;
          share[i] = 2.0 * blockWeights() * n / seconds / sgemmFlops;
        }
      }
    }
    return new Prompt(Quartiles.of(rate), Quartiles.of(share));
  }

  /** Seconds to compute the first {@code n} positions of a sequence, with the last row's logits. */
  private double prefill(LocalStage stage, Sequence sequence, int n) throws IOException {
    ModelConfig config = checkpoint.config();
    FloatBuffer in = direct((long) n * config.dModel());
    FloatBuffer out = direct(config.vocabSize());
    embedding.lookup(ids, 0, n, 0, in, 0);
    Batch batch = new Batch();
    batch.add(sequence, 0, n, RowKind.PROMPT, true, n - 1, 1);
    long begin = System.nanoTime();
    stage.step(batch, in, out);
    return (System.nanoTime() - begin) / 1e9;
  }

  /** What sgemm alone reaches with C rows on the shapes of one block. */
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
    return 2.0 * rows * blockWeights() / c.nLayers() / seconds;
  }

  /** Elements of all blocks' matrices. */
  private long blockWeights() {
    ModelConfig c = checkpoint.config();
    long q = (long) c.nHeads() * c.headDim();
    long kv = (long) c.nKvHeads() * c.headDim();
    long ffn = (c.gatedFfn() ? 3L : 2L) * c.dFf();
    return c.nLayers() * (c.dModel() * (2 * q + 2 * kv) + c.dModel() * ffn);
  }

  private static long kvBytes(ModelConfig config, int positions) {
    return 2L * Float.BYTES * config.nLayers() * config.nKvHeads() * config.headDim() * positions;
  }

  private static FloatBuffer direct(long floats) {
    return ByteBuffer.allocateDirect(Math.toIntExact(Float.BYTES * floats))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private static double millis(long nanos) {
    return nanos / 1e6;
  }
}
