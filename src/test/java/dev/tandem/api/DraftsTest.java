package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Backend;
import dev.tandem.settings.Draft;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Drafts change how long a text takes, and no bit of it: whole and split, greedy and with noise.
 */
@Tag("slow")
class DraftsTest {
  private static final ModelSource SMALL =
      ModelSource.of(Path.of("src/test/resources/models/gpt2-shakespeare-draft").toString());
  private static final int TOKENS = 60;
  private static final int ALL = Integer.MAX_VALUE;

  private static List<Draft> drafts(String name) {
    ModelSource small =
        name.equals("gpt2-shakespeare") ? SMALL : ModelSource.of(name).withType(WeightType.Q4_0);
    return List.of(Draft.ngram(), Draft.model(small), Draft.model(small).withFixedTokens(3));
  }

  private static List<GenerationRequest> requests() {
    GenerationRequest greedy =
        GenerationRequest.of("Once upon a time there was")
            .maxTokens(TOKENS)
            .ignoreEos(true)
            .logprobs(ALL)
            .temperature(0);
    return List.of(greedy, greedy.temperature(0.7).seed(3), greedy.temperature(1).topP(1).seed(4));
  }

  private static List<GenerationResult> generateAll(TextModel model) {
    List<GenerationResult> results = new ArrayList<>();
    requests().forEach(request -> results.add(model.generate(request)));
    return results;
  }

  private static void assertSame(TextModel model, List<GenerationResult> expected) {
    List<GenerationResult> results = generateAll(model);
    int drafted = 0;
    for (int i = 0; i < results.size(); i++) {
      assertThat(results.get(i).ids()).isEqualTo(expected.get(i).ids());
      assertThat(results.get(i).tokens()).isEqualTo(expected.get(i).tokens());
      drafted += results.get(i).timings().draftedTokens();
    }
    assertThat(drafted).isPositive();
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F16",
    "gpt2-shakespeare, F32",
    "gpt2-shakespeare, Q8_0",
    "stories260K, F32",
    "stories260K, BF16"
  })
  void wholeModel(String name, WeightType type) {
    List<GenerationResult> expected;
    try (TextModel model = Tandem.model(name).type(type).open()) {
      expected = generateAll(model);
    }
    for (Draft draft : drafts(name)) {
      try (TextModel model = Tandem.model(name).type(type).draft(draft).open()) {
        assertSame(model, expected);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F16, 0, HIDDEN",
    "gpt2-shakespeare, Q8_0, 2, LOGITS",
    "gpt2-shakespeare, F32, 4, HIDDEN",
    "stories260K, F32, 0, LOGITS",
    "stories260K, F32, 3, HIDDEN"
  })
  void splitModel(String name, WeightType type, int layers, Reply reply) {
    List<GenerationResult> expected;
    try (TextModel model = Tandem.model(name).type(type).open()) {
      expected = generateAll(model);
    }
    try (ModelServer server = Tandem.server(name).type(type).port(0).start()) {
      for (Draft draft : drafts(name)) {
        try (SplitModel model =
            Tandem.split(name)
                .type(type)
                .server(server.uri())
                .layers(layers)
                .reply(reply)
                .draft(draft)
                .connect()) {
          assertSame(model, expected);
        }
      }
    }
  }

  /** The small model draws with the same noise, so it is as often right with noise as without. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.7, 1})
  void theSmallModelIsOftenRight(double temperature) {
    try (TextModel model =
        Tandem.model("gpt2-shakespeare").draft(Draft.model(SMALL).withFixedTokens(15)).open()) {
      double tokens = 0;
      double compared = 0;
      double accepted = 0;
      for (String prompt :
          List.of("ROMEO:", "First Citizen:", "KING RICHARD III:", "What is the")) {
        GenerationResult result =
            model.generate(
                GenerationRequest.of(prompt)
                    .temperature(temperature)
                    .seed(1)
                    .maxTokens(200)
                    .ignoreEos(true));
        tokens += result.ids().length;
        compared += result.timings().comparedTokens();
        accepted += result.timings().acceptedTokens();
      }
      assertThat(accepted / compared).as("accepted").isGreaterThanOrEqualTo(0.55);
      assertThat((tokens - accepted) / tokens).as("steps per token").isLessThanOrEqualTo(0.5);
    }
  }

  @Test
  void modelsWithAnotherTokenizerAreRefused() {
    assertThatThrownBy(
            () ->
                Tandem.model("gpt2-shakespeare")
                    .draft(Draft.model(ModelSource.of("stories260K")))
                    .open())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("stories260K has another tokenizer");
    assertThatThrownBy(
            () ->
                Tandem.model("gpt2-shakespeare")
                    .draft(Draft.model(ModelSource.of("no such model")))
                    .open())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no such model");
  }

  @Test
  void backendsWhoseRowsDependOnOthersAreRefused() {
    assertThatThrownBy(
            () ->
                Tandem.model("gpt2-shakespeare").backend(Backend.NAIVE).draft(Draft.ngram()).open())
        .isInstanceOf(InvalidSettingException.class)
        .hasMessageContaining("must be fast or java where tokens are drafted");
    assertThatThrownBy(() -> Draft.ngram().withMaxTokens(0))
        .isInstanceOf(InvalidSettingException.class);
  }
}
