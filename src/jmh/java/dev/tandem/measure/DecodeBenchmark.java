package dev.tandem.measure;

import static dev.tandem.measure.ModelState.copy;

import dev.tandem.decoding.ChainSteps;
import dev.tandem.sampling.Sampler;
import dev.tandem.sampling.Samplers;
import dev.tandem.settings.SamplingOptions;
import java.io.IOException;
import java.util.List;
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

/** Milliseconds per generated token: embedding, all blocks, head, greedy sampling. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class DecodeBenchmark {

  /** Positions before the token; {@code middle} is half of the model's context. */
  @Param({"16", "middle"})
  public String context;

  private Sampler sampler;
  private int[] ids;
  private int pos;

  /** Fills the context, and compares some tokens' logits with those of another cut. */
  @Setup(Level.Trial)
  public void fillContext(ModelState model) throws IOException {
    ids = model.ids();
    pos = context.equals("middle") ? model.config().maxSeq() / 2 : Integer.parseInt(context);
    sampler = Samplers.of(SamplingOptions.greedy(), model.config().vocabSize());
    model.verify(this::logits);
  }

  /** The first token again after the second one, as the measurement repeats it. */
  private List<float[]> logits(ChainSteps chain) throws IOException {
    return List.of(
        copy(chain.prompt(ids, pos)),
        copy(chain.generated(ids, pos)),
        copy(chain.generated(ids, pos + 1)),
        copy(chain.generated(ids, pos)));
  }

  /** The same token each time: sending its position again takes the sequence back to it. */
  @Benchmark
  public int decode(ModelState model) throws IOException {
    return sampler.sample(model.steps().generated(ids, pos), 0, pos + 1);
  }
}
