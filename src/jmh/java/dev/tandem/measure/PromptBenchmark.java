package dev.tandem.measure;

import dev.tandem.decoding.ChainSteps;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time of a prompt of 512 tokens, or of the model's context if that is shorter, to the logits of
 * its last row. The counter {@code tokens} divides it by the number of tokens.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class PromptBenchmark {
  private static final int PROMPT_TOKENS = 512;

  private int[] ids;
  private int nTok;

  /** Compares the prompt's logits with those of another cut. */
  @Setup(Level.Trial)
  public void verify(ModelState model) throws IOException {
    ids = model.ids();
    nTok = Math.min(PROMPT_TOKENS, model.config().maxSeq());
    model.verify(this::logits);
  }

  private List<float[]> logits(ChainSteps chain) throws IOException {
    return List.of(ModelState.copy(chain.prompt(ids, nTok)));
  }

  /** Counts the prompt's tokens. */
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  @State(Scope.Thread)
  public static class Counter {
    /** Tokens computed. */
    public long tokens;
  }

  /** The whole prompt from position 0. */
  @Benchmark
  public FloatBuffer prompt(ModelState model, Counter counter) throws IOException {
    counter.tokens += nTok;
    return model.steps().prompt(ids, nTok);
  }
}
