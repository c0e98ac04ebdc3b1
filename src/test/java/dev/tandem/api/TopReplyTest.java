package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Draft;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** With the best logits only, a client draws the tokens of the whole model. */
@Tag("slow")
class TopReplyTest {
  private static final int TOKENS = 40;

  /**
   * Requests, some of which always take whole rows.
   *
   * @param goesBack whether a small model drafts, which takes back what it drew; llama2.c's random
   *     numbers cannot go back
   */
  private static List<GenerationRequest> requests(boolean goesBack) {
    SamplingOptions base = SamplingOptions.builder().seed(5).build();
    List<SamplingOptions> options = new ArrayList<>();
    options.add(SamplingOptions.greedy());
    for (double temperature : new double[] {0.3, 1, 2}) {
      options.add(base.toBuilder().temperature(temperature).build());
      options.add(base.toBuilder().temperature(temperature).topP(1).build());
    }
    options.add(base.toBuilder().repeatPenalty(1.2).build());
    options.add(base.toBuilder().presencePenalty(0.5).frequencyPenalty(0.3).build());
    options.add(
        base.toBuilder()
            .logitBias(Map.of(5, 2.0, 11, Double.NEGATIVE_INFINITY, 300, -1.0))
            .topK(20)
            .minP(0.02)
            .build());
    options.add(base.toBuilder().temperature(0).repeatPenalty(1.3).build());
    if (!goesBack) {
      options.add(base.toBuilder().rng(Rng.LLAMA2C).build());
    }
    GenerationRequest request =
        GenerationRequest.of("Once upon a time there was").maxTokens(TOKENS).ignoreEos(true);
    List<GenerationRequest> requests = new ArrayList<>();
    options.forEach(option -> requests.add(request.sampling(option)));
    requests.add(request.temperature(1).seed(2).logprobs(3));
    return requests;
  }

  private static SplitModel connect(
      String name, ModelServer server, int layers, int k, Optional<Draft> draft) {
    SplitBuilder builder =
        Tandem.split(name).server(server.uri()).layers(layers).reply(Reply.TOPK).topLogits(k);
    draft.ifPresent(builder::draft);
    return builder.connect();
  }

  /** The last column: the share of all draws that must be settled without a whole row. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, 0, 2, 0.1",
    "gpt2-shakespeare, 2, 8, 0.2",
    "gpt2-shakespeare, 4, 64, 0.5",
    "stories260K, 0, 2, 0.35",
    "stories260K, 3, 8, 0.5",
    "stories260K, 5, 64, 0.7"
  })
  void drawsTheTokensOfTheWholeModel(String name, int layers, int k, double settled) {
    try (TextModel whole = Tandem.model(name).open();
        ModelServer server = Tandem.server(name).port(0).start()) {
      for (Optional<Draft> draft : List.<Optional<Draft>>of(Optional.empty(), small(name))) {
        List<GenerationRequest> requests =
            requests(draft.isPresent() && draft.get().kind() == Draft.Kind.MODEL);
        try (SplitModel split = connect(name, server, layers, k, draft)) {
          assertThat(split.exact()).isTrue();
          int drawn = 0;
          for (GenerationRequest request : requests) {
            GenerationResult expected = whole.generate(request);
            GenerationResult result = split.generate(request);
            assertThat(result.ids())
                .as("%s, draft %s", request.sampling(), draft)
                .isEqualTo(expected.ids());
            assertThat(result.tokens()).isEqualTo(expected.tokens());
            drawn += result.timings().drawnTokens();
          }
          WireStats stats = split.wireStats();
          assertThat(stats.fullRows()).isBetween((long) TOKENS, (long) (drawn * (1 - settled)));
        }
      }
    }
  }

  private static Optional<Draft> small(String name) {
    return Optional.of(
        name.equals("gpt2-shakespeare")
            ? Draft.model(
                ModelSource.of(
                    Path.of("src/test/resources/models/gpt2-shakespeare-draft").toString()))
            : Draft.ngram());
  }

  /** A draw that is settled needs one round trip and few bytes. */
  @Test
  void settledDrawsCostOneRoundTripAndFewBytes() {
    GenerationRequest request =
        GenerationRequest.of("ROMEO:").maxTokens(TOKENS).ignoreEos(true).temperature(0);
    try (ModelServer server = Tandem.server("gpt2-shakespeare").port(0).start();
        SplitModel split = connect("gpt2-shakespeare", server, 0, 8, Optional.empty())) {
      WireStats before = split.wireStats();
      split.generate(request);
      WireStats after = split.wireStats();
      assertThat(after.fullRows()).isZero();
      assertThat(after.roundTrips() - before.roundTrips()).isEqualTo(1 + TOKENS); // one to open
      long bytes = after.bytesReceived() - before.bytesReceived();
      assertThat(bytes).isLessThan(1000 + TOKENS * (48 + 8 * 8L));
    }
  }

  @Test
  void theNumberOfLogitsIsChecked() {
    for (int k : new int[] {0, 1025}) {
      assertThatThrownBy(
              () ->
                  Tandem.split("stories260K")
                      .server("ws://127.0.0.1:1/v1/split")
                      .topLogits(k)
                      .connect())
          .isInstanceOf(InvalidSettingException.class)
          .hasMessageContaining("topLogits must be in 1..1024, got " + k);
    }
  }
}
