package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Drawing and accepting a token allocates nothing. */
class SamplerAllocationTest {
  private static final int VOCAB = 50_257;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Test
  void tokensAllocateNothing() {
    SamplingOptions topP = SamplingOptions.builder().seed(1).build();
    SamplingOptions[] all = {
      SamplingOptions.greedy(),
      topP,
      topP.toBuilder().topP(1).build(),
      topP.toBuilder().topP(1 - 1e-12).build(), // sorts
      topP.toBuilder().topK(40).minP(0.05).build(),
      topP.toBuilder().repeatPenalty(1.1).presencePenalty(0.1).logitBias(Map.of(7, 1.0)).build(),
      topP.toBuilder().rng(Rng.LLAMA2C).build(),
      topP.toBuilder().rng(Rng.LLAMA2C).topP(1).build()
    };
    for (SamplingOptions options : all) {
      assertThat(bytesPerDraw(options)).as(options.toString()).isZero();
    }
  }

  @Test
  void measureNoticesAnAllocation() {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    byte[] allocated = new byte[100];
    assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
        .isGreaterThanOrEqualTo(allocated.length);
  }

  private static long bytesPerDraw(SamplingOptions options) {
    Sampler sampler = Samplers.of(options, VOCAB);
    FloatBuffer logits =
        LogitMaker.direct(LogitMaker.make(LogitMaker.Shape.BELL, VOCAB, new Random(1)), 0);
    draw(sampler, logits, 0, 20);
    int draws = 20;
    long before = THREADS.getCurrentThreadAllocatedBytes();
    draw(sampler, logits, 20, draws);
    return (THREADS.getCurrentThreadAllocatedBytes() - before) / draws;
  }

  private static void draw(Sampler sampler, FloatBuffer logits, int from, int draws) {
    for (int position = from; position < from + draws; position++) {
      sampler.accept(sampler.sample(logits, 0, position));
    }
  }
}
