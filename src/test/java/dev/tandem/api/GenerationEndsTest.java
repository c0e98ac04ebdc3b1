package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * How generations end: by themselves, cancelled, failed; each is told apart and frees its state.
 */
@Timeout(60)
class GenerationEndsTest {
  private static final String MODEL = "gpt2-shakespeare";

  private static GenerationRequest endless() {
    return GenerationRequest.of("ROMEO:").maxTokens(100_000).ignoreEos(true).seed(3);
  }

  /** Lets a generation run until it has some tokens. */
  private static final class Started implements GenerationListener {
    private final CountDownLatch tokens = new CountDownLatch(5);
    private final Recorder recorder = new Recorder();

    @Override
    public void token(GeneratedToken token) {
      tokens.countDown();
      recorder.token(token);
    }

    @Override
    public void completed(GenerationResult result) {
      recorder.completed(result);
    }

    @Override
    public void cancelled(GenerationResult result) {
      recorder.cancelled(result);
    }

    void await() throws InterruptedException {
      assertThat(tokens.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aCancelledOneKeepsWhatItHasAndFreesItsSequence() throws Exception {
    try (ModelServer server = Tandem.server(MODEL).port(0).start();
        SplitModel model = Tandem.split(MODEL).server(server.uri()).connect()) {
      Started listener = new Started();
      Generation generation = model.start(endless(), listener);
      listener.await();
      assertThat(server.activeSequences()).isEqualTo(1);
      generation.cancel();
      GenerationResult result = generation.result();
      assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
      assertThat(result.ids()).hasSizeGreaterThanOrEqualTo(5);
      assertThat(listener.recorder.events()).endsWith("cancelled").doesNotContain("completed");
      while (server.activeSequences() > 0) { // the close message is on its way
        Thread.sleep(1);
      }
      assertThat(model.generate(GenerationRequest.of("A").maxTokens(3)).ids()).hasSize(3);
    }
  }

  @Test
  void othersGoOnWhenOneIsCancelled() throws Exception {
    GenerationRequest request = GenerationRequest.of("JULIET:").maxTokens(60).seed(9);
    try (TextModel model = Tandem.open(MODEL)) {
      String alone = model.generate(request).text();
      Started listener = new Started();
      Generation cancelled = model.start(endless(), listener);
      Generation other = model.start(request, GenerationListener.NONE);
      listener.await();
      cancelled.cancel();
      assertThat(other.result().text()).isEqualTo(alone);
      assertThat(cancelled.result().cancelled()).isTrue();
    }
  }

  @Test
  void closingTheModelCancels() throws Exception {
    TextModel model = Tandem.open(MODEL);
    Started listener = new Started();
    Generation generation = model.start(endless(), listener);
    listener.await();
    model.close();
    assertThat(generation.isDone()).isTrue();
    assertThat(generation.result().cancelled()).isTrue();
    model.close();
    assertThatThrownBy(() -> model.start(endless(), GenerationListener.NONE))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(model::conversation).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aRequestThatDoesNotFitFails() {
    try (TextModel model = Tandem.open(MODEL)) {
      Recorder recorder = new Recorder();
      Generation generation = model.start(GenerationRequest.of(new int[] {1_000_000}), recorder);
      assertThatThrownBy(generation::result)
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("1000000");
      assertThat(generation.future()).isCompletedExceptionally();
      assertThat(recorder.events()).containsExactly("failed");
      assertThat(model.generate(GenerationRequest.of("A").maxTokens(2)).ids()).hasSize(2);
    }
  }

  @Test
  void aListenerThatThrowsFailsItsGenerationOnly() {
    try (TextModel model = Tandem.open(MODEL)) {
      GenerationListener broken =
          new GenerationListener() {
            @Override
            public void token(GeneratedToken token) {
              throw new IllegalArgumentException("broken listener");
            }
          };
      assertThatThrownBy(() -> model.start(endless(), broken).result())
          .isInstanceOf(TandemException.class)
          .hasMessageContaining("broken listener");
      assertThat(model.generate("A")).isNotNull();
    }
  }

  @Test
  @SuppressWarnings("try") // closed early, as a server that goes away
  void aServerThatGoesAwayIsAServerException() throws Exception {
    try (ModelServer server = Tandem.server(MODEL).port(0).drainTimeout(Duration.ZERO).start();
        SplitModel model =
            Tandem.split(MODEL).server(server.uri()).reconnectTimeout(Duration.ZERO).connect()) {
      Started listener = new Started();
      Generation generation = model.start(endless(), listener);
      listener.await();
      server.close();
      assertThatThrownBy(generation::result).isInstanceOf(ServerException.class);
    }
  }

  @Test
  void openingFails(@TempDir Path directory) {
    String missing = directory.resolve("none.gguf").toString();
    assertThatThrownBy(() -> Tandem.open(missing))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("none.gguf");
    assertThatThrownBy(() -> Tandem.tokenizer(missing)).isInstanceOf(ModelException.class);
    assertThatThrownBy(() -> Tandem.split(MODEL).server("ws://127.0.0.1:1/v1/split").connect())
        .isInstanceOf(ServerException.class);
    assertThatThrownBy(() -> Tandem.split(MODEL).connect())
        .isInstanceOf(IllegalStateException.class);
    assertThat(Tandem.embeddedModels()).isEqualTo(List.of(MODEL, "stories260K"));
  }
}
