package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Generations that run at once from one model have the ids that each has alone, and the bits of the
 * logits: the log-probabilities of the whole vocabulary are a function of them.
 */
class ConcurrentGenerationsTest {
  private static final int THREADS = 8;
  private static final int TOKENS = 24;
  private static final int ALL = Integer.MAX_VALUE;

  private static GenerationRequest request(int i) {
    String prompt = "ROMEO: what light is this? ".repeat(1 + 5 * (i % 3)) + "abcdefgh".charAt(i);
    GenerationRequest request =
        GenerationRequest.of(prompt).maxTokens(TOKENS + i).ignoreEos(true).logprobs(ALL).seed(i);
    return i % 2 == 0 ? request.temperature(0) : request;
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32",
    "gpt2-shakespeare, Q8_0",
    "stories260K, F16",
    "stories260K, Q4_0"
  })
  void wholeModel(String name, WeightType type) throws Exception {
    try (TextModel model = Tandem.model(name).type(type).open()) {
      assertSameAsAlone(model, model);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32, 0, HIDDEN",
    "gpt2-shakespeare, F32, 1, HIDDEN",
    "gpt2-shakespeare, Q8_0, 2, LOGITS",
    "stories260K, F32, 3, HIDDEN",
    "stories260K, Q8_0, 0, LOGITS"
  })
  void splitModel(String name, WeightType type, int layers, Reply reply) throws Exception {
    try (TextModel whole = Tandem.model(name).type(type).open();
        ModelServer server = Tandem.server(name).type(type).port(0).start();
        SplitModel split =
            Tandem.split(name)
                .type(type)
                .server(server.uri())
                .layers(layers)
                .reply(reply)
                .connect()) {
      assertThat(split.exact()).isTrue();
      assertSameAsAlone(split, whole);
      assertThat(split.wireStats().roundTrips()).isPositive();
    }
  }

  private static void assertSameAsAlone(TextModel model, TextModel alone) throws Exception {
    List<GenerationResult> expected = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      expected.add(alone.generate(request(i)));
    }
    List<GenerationResult> together = together(model);
    for (int i = 0; i < THREADS; i++) {
      assertThat(differences(together.get(i), expected.get(i))).as("generation %d", i).isEmpty();
    }
    assertThat(differences(together.get(0), expected.get(1))).isNotEmpty(); // the comparator sees
  }

  private static List<GenerationResult> together(TextModel model) throws Exception {
    CyclicBarrier start = new CyclicBarrier(THREADS);
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<GenerationResult>> futures = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        GenerationRequest request = request(i);
        futures.add(
            threads.submit(
                () -> {
                  start.await();
                  return model.generate(request);
                }));
      }
      List<GenerationResult> results = new ArrayList<>();
      for (Future<GenerationResult> future : futures) {
        results.add(future.get());
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  private static List<String> differences(GenerationResult a, GenerationResult b) {
    List<String> found = new ArrayList<>();
    if (!Arrays.equals(a.ids(), b.ids())) {
      found.add("ids");
    }
    List<GeneratedToken> first = a.tokens();
    List<GeneratedToken> second = b.tokens();
    if (!first.equals(second)) {
      found.add("log-probabilities");
    }
    if (!a.text().equals(b.text())) {
      found.add("text");
    }
    return found;
  }

  @Test
  void aGenerationAndItsFutureAndItsListenerAgree() {
    try (TextModel model = Tandem.open("gpt2-shakespeare")) {
      Recorder recorder = new Recorder();
      Generation generation = model.start(GenerationRequest.of("ROMEO:").seed(1), recorder);
      GenerationResult result = generation.result();
      assertThat(generation.isDone()).isTrue();
      assertThat(generation.future().join()).isSameAs(result);
      assertThat(recorder.events()).endsWith("completed").doesNotContain("cancelled", "failed");
      assertThat(recorder.text()).isEqualTo(result.text());
      assertThat(recorder.ids()).isEqualTo(Arrays.stream(result.ids()).boxed().toList());
      assertThat(result.tokens()).isEmpty();
    }
  }
}
