package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.nio.FloatBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;

/** Time to draw one token from GPT-2's vocabulary. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class SamplerBenchmark {
  private static final int VOCAB_SIZE = 50_257;
  private static final long SEED = 42;
  private static final int CHECKED = 20;

  /** How to draw; the last at temperature 1. */
  @Param({"greedy", "top-p-0.9"})
  public String options;

  /** Normally distributed, deviation 2 (many candidates), 12 (few) or 0.001 (all). */
  @Param({"BELL", "PEAKED", "FLAT"})
  public String shape;

  private Sampler sampler;
  private FloatBuffer logits;
  private int pos;

  /** Compares some tokens with those of a sampler that sorts everything. */
  @Setup(Level.Trial)
  public void verify() {
    float[] values = LogitMaker.make(LogitMaker.Shape.valueOf(shape), VOCAB_SIZE, new Random(SEED));
    logits = LogitMaker.direct(values, 0);
    SamplingOptions how = named(options);
    sampler = Samplers.of(how, VOCAB_SIZE);
    for (int i = 0; i < CHECKED; i++) {
      int expected = NaiveSampler.sample(values, how, i);
      int drawn = sampler.sample(logits, 0, i);
      if (drawn != expected) {
        throw new IllegalStateException("position " + i + ": drew " + drawn + ", not " + expected);
      }
    }
  }

  private static SamplingOptions named(String name) {
    return switch (name) {
      case "greedy" -> SamplingOptions.greedy();
      case "top-p-0.9" -> SamplingOptions.builder().temperature(1).topP(0.9).seed(SEED).build();
      default -> throw new IllegalArgumentException("no options '" + name + "'");
    };
  }

  /** The next position's token, always from the same logits. */
  @Benchmark
  public int sample() {
    pos = (pos + 1) & Integer.MAX_VALUE;
    return sampler.sample(logits, 0, pos);
  }
}
