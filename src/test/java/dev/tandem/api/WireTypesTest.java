package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.TokenLogprob;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of fewer bits make messages shorter, and results inexact, which the model says. */
class WireTypesTest {
  private static final GenerationRequest REQUEST =
      GenerationRequest.of("What light through yonder window breaks? It is the east, and")
          .maxTokens(1)
          .temperature(0)
          .ignoreEos(true)
          .logprobs(50);

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, 0, HIDDEN",
    "gpt2-shakespeare, 2, HIDDEN",
    "gpt2-shakespeare, 0, LOGITS",
    "stories260K, 0, HIDDEN",
    "stories260K, 2, LOGITS"
  })
  void fewerBitsAreNearlyTheSame(String name, int layers, Reply reply) {
    try (TextModel whole = Tandem.model(name).open();
        ModelServer server = Tandem.server(name).port(0).start()) {
      GenerationResult expected = whole.generate(REQUEST);
      Map<RowType, Long> bytes = new HashMap<>();
      for (RowType type : RowType.values()) {
        try (SplitModel split =
            Tandem.split(name)
                .server(server.uri())
                .layers(layers)
                .reply(reply)
                .wire(type)
                .connect()) {
          long before = split.wireStats().bytesSent() + split.wireStats().bytesReceived();
          GenerationResult result = split.generate(REQUEST);
          WireStats after = split.wireStats();
          bytes.put(type, after.bytesSent() + after.bytesReceived() - before);
          assertThat(split.exact()).isEqualTo(type == RowType.F32);
          assertThat(split.notes().toString().contains("rows travel as"))
              .isEqualTo(type != RowType.F32);
          assertClose(result, expected, type);
        }
      }
      assertThat(of(bytes, RowType.F16)).isLessThan(of(bytes, RowType.F32) * 3 / 4);
      assertThat(of(bytes, RowType.Q8_0)).isLessThan(of(bytes, RowType.F16) * 3 / 4);
    }
  }

  private static long of(Map<RowType, Long> bytes, RowType type) {
    return Objects.requireNonNull(bytes.get(type));
  }

  private static void assertClose(
      GenerationResult result, GenerationResult expected, RowType type) {
    double allowed = type == RowType.F32 ? 0 : type == RowType.F16 ? 0.05 : 0.5;
    Map<Integer, Double> logprobs = new HashMap<>();
    for (TokenLogprob token : expected.tokens().get(0).top()) {
      logprobs.put(token.id(), token.logprob());
    }
    int compared = 0;
    for (TokenLogprob token : result.tokens().get(0).top().subList(0, 10)) {
      if (logprobs.containsKey(token.id())) {
        assertThat(token.logprob())
            .isCloseTo(Objects.requireNonNull(logprobs.get(token.id())), within(allowed));
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(7);
  }
}
