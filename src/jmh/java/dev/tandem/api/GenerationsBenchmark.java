package dev.tandem.api;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.runtime.WholeRuntime;
import dev.tandem.settings.EngineSettings;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Generations of one model at once, on GPT-2's shape: {@code tokens} is their rate together, in
 * tokens per second.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 4)
@State(Scope.Benchmark)
public class GenerationsBenchmark {
  private static final long SEED = 42;
  private static final int TOKENS = 32;

  /** Generations at once. */
  @Param({"1", "2", "4", "8", "16"})
  public int generations;

  /** The type of the matrices. */
  @Param({"Q8_0"})
  public DType type;

  /** 0 takes the best token, 1 draws with top-p. */
  @Param({"0", "1"})
  public double temperature;

  private @Nullable TextModel opened;

  /** Counts tokens. */
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  @State(Scope.Thread)
  public static class Rate {
    /** Tokens of all generations. */
    public long tokens;
  }

  /** Makes the model. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    Checkpoint random = RandomModels.of("gpt2", DType.F32, SEED);
    Checkpoint checkpoint = ConvertedModels.convert(random, type, ConversionProgress.NONE);
    opened = new ServedModel(WholeRuntime.open(checkpoint, EngineSettings.defaults()));
    List<GenerationResult> together = together(new Rate());
    int[] alone = model().generate(request(0)).ids();
    if (!Arrays.equals(together.get(0).ids(), alone)) {
      throw new IllegalStateException("a generation differs beside others");
    }
  }

  /** Frees the model. */
  @TearDown(Level.Trial)
  public void close() {
    model().close();
  }

  private TextModel model() {
    return Objects.requireNonNull(opened);
  }

  private GenerationRequest request(int i) {
    int[] prompt = new int[16];
    for (int k = 0; k < prompt.length; k++) {
      prompt[k] = (997 * k + 31 * i + 5) % model().info().vocabSize();
    }
    return GenerationRequest.of(prompt)
        .temperature(temperature)
        .seed(i)
        .maxTokens(TOKENS)
        .ignoreEos(true);
  }

  /** All of them, each to its end. */
  @Benchmark
  public List<GenerationResult> together(Rate rate) {
    List<Generation> started = new ArrayList<>();
    for (int i = 0; i < generations; i++) {
      started.add(model().start(request(i)));
    }
    List<GenerationResult> results = started.stream().map(Generation::result).toList();
    results.forEach(result -> rate.tokens += result.ids().length);
    return results;
  }
}
