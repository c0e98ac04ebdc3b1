package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** stories260K against llama2.c's own output. */
class Stories260kGoldenTest {
  private static final int BOS = 1;
  private static final int STEPS = 200; // what llama2.c was asked for

  static Stream<JsonNode> greedy() {
    return Goldens.read("stories260K/greedy.json").stream();
  }

  static Stream<JsonNode> sampled() {
    return Goldens.read("stories260K/sampled.json").stream();
  }

  @ParameterizedTest
  @MethodSource("greedy")
  void greedyIdsAreThoseOfLlama2c(JsonNode golden) throws Exception {
    check(golden, SamplingOptions.greedy());
  }

  @ParameterizedTest
  @MethodSource("sampled")
  void sampledIdsAreThoseOfLlama2c(JsonNode golden) throws Exception {
    check(
        golden,
        SamplingOptions.builder()
            .temperature(golden.get("temperature").doubleValue())
            .topP(golden.get("top_p").doubleValue())
            .seed(golden.get("seed").longValue())
            .rng(Rng.LLAMA2C)
            .build());
  }

  private static void check(JsonNode golden, SamplingOptions sampling) throws Exception {
    int[] consumed = Goldens.ints(golden.get("ids_consumed"));
    try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty());
        ModelRuntime model = WholeRuntime.open(checkpoint, EngineSettings.defaults())) {
      int[] prompt = model.tokenizer().encodePrompt(golden.get("prompt").textValue(), false);
      assertThat(consumed).startsWith(prompt);
      GenerationResult result =
          model
              .newGenerator(Reply.LOGITS)
              .run(
                  GenerationRequest.of(prompt).sampling(sampling).maxTokens(STEPS - prompt.length),
                  TokenSink.NONE);
      assertThat(IntStream.concat(IntStream.of(prompt), IntStream.of(result.ids())).toArray())
          .isEqualTo(consumed);
      // llama2.c also prints the token that it drew last and did not feed any more.
      assertThat(golden.get("text").textValue())
          .startsWith(golden.get("prompt").textValue() + result.text());
    }
  }

  @ParameterizedTest
  @MethodSource("greedy")
  void logitsOfTheFirstStep(JsonNode golden) throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty());
        LocalChain chain = new LocalChain(checkpoint, EngineSettings.defaults())) {
      RecordingStage recording = new RecordingStage(chain.whole());
      Generator generator =
          new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(recording));
      generator.run(GenerationRequest.of(new int[] {BOS}).maxTokens(1), TokenSink.NONE);
      JsonNode expected = golden.get("first_step_logits");
      float[] logits = recording.rows().get(0);
      assertThat(logits).hasSize(expected.size());
      for (int i = 0; i < logits.length; i++) {
        assertThat((double) logits[i]).isCloseTo(expected.get(i).doubleValue(), within(1e-4));
      }
    }
  }
}
