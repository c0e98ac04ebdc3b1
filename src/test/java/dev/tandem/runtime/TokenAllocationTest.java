package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A generated token allocates nothing on its thread, from embedding to listener, if the listener
 * wants no text: the embedding's lookup, the stage's step, drawing, decoding, stop strings, the
 * loop.
 */
class TokenAllocationTest {
  private static final int WARM_UP = 20;
  private static final int TOKENS = 240;
  private static final int RUNS = 6;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Notes at each token what the thread has allocated so far. */
  private static final class Meter implements TokenSink {
    private final boolean takesText;
    private final long[] bytes = new long[TOKENS];
    private int tokens;
    private int characters;

    Meter(boolean takesText) {
      this.takesText = takesText;
    }

    @Override
    public boolean takesText() {
      return takesText;
    }

    @Override
    public void token(int id, @Nullable GeneratedToken details) {
      bytes[tokens++] = THREADS.getCurrentThreadAllocatedBytes();
    }

    @Override
    public void text(String piece) {
      characters += piece.length();
    }

    long bytesAfterWarmUp() {
      return bytes[TOKENS - 1] - bytes[WARM_UP];
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32",
    "gpt2-shakespeare, Q8_0",
    "gpt2-shakespeare, F16",
    "stories260K, F32",
    "stories260K, F16"
  })
  void tokensAllocateNothing(String name, DType type) throws Exception {
    SamplingOptions topP = SamplingOptions.builder().topP(0.9).seed(1).build();
    try (Checkpoint checkpoint = open(name, type);
        ModelRuntime model = WholeRuntime.open(checkpoint, EngineSettings.defaults())) {
      for (SamplingOptions sampling :
          List.of(
              SamplingOptions.greedy(),
              topP,
              topP.toBuilder().topK(40).minP(0.01).repeatPenalty(1.1).build())) {
        assertThat(leastBytes(model, sampling, List.of())).as("%s", sampling).isZero();
        assertThat(leastBytes(model, sampling, List.of("never said")))
            .as("%s with a stop string", sampling)
            .isZero();
      }
    }
  }

  /**
   * What hundreds of tokens allocate in the best of some runs: in single ones the virtual machine
   * itself allocates when it loads a class or takes compiled code back, which is not per token.
   */
  private static long leastBytes(ModelRuntime model, SamplingOptions sampling, List<String> stops)
      throws Exception {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < RUNS && least > 0; i++) {
      least = Math.min(least, run(model, sampling, stops, false).bytesAfterWarmUp());
    }
    return least;
  }

  /** The negative control: the same loop with a listener that is given strings. */
  @Test
  void stringsAreAllocated() throws Exception {
    try (Checkpoint checkpoint = open("gpt2-shakespeare", DType.F32);
        ModelRuntime model = WholeRuntime.open(checkpoint, EngineSettings.defaults())) {
      Meter meter = run(model, SamplingOptions.greedy(), List.of(), true);
      assertThat(meter.characters).isGreaterThan(TOKENS / 2);
      assertThat(meter.bytesAfterWarmUp()).isGreaterThan(TOKENS);
    }
  }

  private static Checkpoint open(String name, DType type) throws Exception {
    Checkpoint checkpoint = Checkpoints.open(name, Optional.empty());
    return type == DType.F32
        ? checkpoint
        : ConvertedModels.convert(checkpoint, type, ConversionProgress.NONE);
  }

  private static Meter run(
      ModelRuntime model, SamplingOptions sampling, List<String> stops, boolean takesText)
      throws Exception {
    Meter meter = new Meter(takesText);
    model
        .newGenerator(Reply.LOGITS)
        .run(
            GenerationRequest.of(model.tokenizer().encodePrompt("Once", false))
                .sampling(sampling)
                .maxTokens(TOKENS)
                .stopStrings(stops)
                .ignoreEos(true),
            meter);
    assertThat(meter.tokens).isEqualTo(TOKENS);
    return meter;
  }
}
