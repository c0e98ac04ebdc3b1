package dev.tandem.measure;

import dev.tandem.decoding.ChainSteps;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.engine.Engine;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.random.RandomModels;
import dev.tandem.runtime.Bits;
import dev.tandem.runtime.LocalChain;
import dev.tandem.runtime.ResourceScope;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A model, whole or split between this thread and a server in this JVM, over loopback. */
@State(Scope.Benchmark)
public class ModelState {
  private static final String GPT2_RANDOM = "gpt2-124M-random";
  private static final long SEED = 42;

  /** The embedded models, and random weights in the shape of GPT-2 124M. */
  @Param({"gpt2-shakespeare", "stories260K", GPT2_RANDOM})
  public String model;

  /** Blocks on the client's side (none, half of them) and what the server sends back. */
  @Param({"whole", "k0-hidden", "k0-logits", "half-hidden"})
  public String placement;

  /** Threads that compute, at each end; 0 for all cores. */
  @Param("0")
  public int threads;

  private EngineSettings settings;
  private ResourceScope opening;
  private Checkpoint checkpoint;
  private ChainSteps steps;
  private int[] ids;

  /** Loads the model, starts the server and opens a sequence as long as the model's context. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    settings = new EngineSettings(threads, "", Optional.empty(), Optional.empty(), false, 0);
    describeMachine(settings);
    opening = new ResourceScope();
    checkpoint = opening.add(openCheckpoint(model));
    ids =
        new Random(SEED)
            .ints(checkpoint.config().maxSeq(), 0, checkpoint.config().vocabSize())
            .toArray();
    PlacedModel placed =
        opening.add(new PlacedModel(checkpoint, settings, Placement.of(placement)));
    steps = opening.add(steps(checkpoint, placed.stages()));
  }

  private static void describeMachine(EngineSettings settings) {
    try (Engine engine = new Engine(settings.threads(), settings.isa())) {
      System.out.printf(
          "%n# %s, %d cores; %s, %d threads; %s%n",
          Engine.cpuName(),
          Runtime.getRuntime().availableProcessors(),
          engine.isa(),
          engine.threads(),
          Engine.blasDescription());
    }
  }

  private static Checkpoint openCheckpoint(String name) throws IOException {
    return name.equals(GPT2_RANDOM)
        ? RandomModels.of("gpt2", DType.F32, SEED)
        : Checkpoints.open(name, Optional.empty());
  }

  private static ChainSteps steps(Checkpoint checkpoint, List<Stage> stages) throws IOException {
    EmbeddingTable embedding = EmbeddingTable.of(checkpoint);
    return new ChainSteps(
        stages,
        (ids, from, to, position, out) -> embedding.lookup(ids, from, to, position, out, 0),
        checkpoint.config().maxSeq());
  }

  /** The model's configuration. */
  ModelConfig config() {
    return checkpoint.config();
  }

  /** Random ids, as many as the model has positions. */
  int[] ids() {
    return ids;
  }

  /** The sequence that is measured. */
  ChainSteps steps() {
    return steps;
  }

  /** Logits of a prompt, then of generated rows, computed by a chain. */
  interface Run {
    List<float[]> logits(ChainSteps chain) throws IOException;
  }

  /**
   * Runs something here and on a chain that is cut elsewhere: a split model is compared with the
   * whole one, the whole one with one cut in the middle.
   *
   * @throws IllegalStateException if a bit differs
   */
  void verify(Run run) throws IOException {
    int nLayers = checkpoint.config().nLayers();
    try (LocalChain chain = new LocalChain(checkpoint, settings)) {
      List<Stage> reference =
          Placement.of(placement).split()
              ? List.of(chain.whole())
              : List.of(
                  chain.stage(Span.layers(0, nLayers / 2)),
                  chain.stage(Span.toLogits(nLayers / 2, nLayers)));
      try (ChainSteps other = steps(checkpoint, reference)) {
        String difference = Bits.firstDifference(run.logits(other), run.logits(steps));
        if (!difference.isEmpty()) {
          throw new IllegalStateException(model + ", " + placement + ": " + difference);
        }
      }
    }
  }

  /** A copy of a row of logits. */
  static float[] copy(FloatBuffer logits) {
    float[] row = new float[logits.limit()];
    logits.get(0, row);
    return row;
  }

  /** Closes the sequence, the connection, the server and the model. */
  @TearDown(Level.Trial)
  public void close() {
    opening.close();
  }
}
