package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.Prompt;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Turns of a conversation: what was computed stays, and the text goes on as in one sequence. */
@Timeout(60)
class ConversationTest {
  private static final String MODEL = "gpt2-shakespeare";

  private static GenerationRequest turn(Prompt prompt, int tokens) {
    return GenerationRequest.of(prompt).maxTokens(tokens).ignoreEos(true).seed(11);
  }

  /** All rows are row-exact here, so what was computed as generated may be computed as prompt. */
  @ParameterizedTest
  @ValueSource(strings = {MODEL, "stories260K"})
  void isOneSequence(String name) {
    try (TextModel model = Tandem.model(name).reproducible(true).open();
        Conversation conversation = model.conversation()) {
      GenerationResult first = conversation.generate(turn(Prompt.text("ROMEO:"), 20));
      GenerationResult second = conversation.generate(turn(Prompt.text("JULIET: no"), 20));
      int[] before =
          IntStream.concat(Arrays.stream(first.promptIds()), Arrays.stream(first.ids())).toArray();
      int[] whole =
          IntStream.concat(Arrays.stream(before), Arrays.stream(second.promptIds())).toArray();
      assertThat(model.generate(turn(Prompt.ids(whole), 20)).ids()).isEqualTo(second.ids());
      assertThat(conversation.length()).isEqualTo(whole.length + second.ids().length);
      if (model.tokenizer().encodePrompt("a", false).length
          > model.tokenizer().encode("a", false).length) {
        assertThat(second.promptIds()[0]).isNotEqualTo(model.tokenizer().bosId().orElseThrow());
      }
    }
  }

  @Test
  void onlyNewRowsAreComputed() {
    try (ModelServer server = Tandem.server(MODEL).port(0).start();
        SplitModel model = Tandem.split(MODEL).server(server.uri()).connect();
        Conversation conversation = model.conversation()) {
      conversation.generate(turn(Prompt.text("To be or not to be ".repeat(10)), 1));
      long before = model.wireStats().bytesSent();
      conversation.generate(turn(Prompt.ids(1, 2), 1));
      long rows = (model.wireStats().bytesSent() - before) / (4L * model.info().dModel());
      assertThat(rows).isEqualTo(3); // the last token of the first turn, and the two new ones
      assertThat(server.activeSequences()).isEqualTo(1);
    }
  }

  @Test
  void endsOfTurns() {
    try (TextModel model = Tandem.open(MODEL)) {
      Conversation conversation = model.conversation();
      assertThatThrownBy(() -> conversation.generate(turn(Prompt.ids(new int[100_000]), 1)))
          .isInstanceOf(RequestException.class);
      assertThat(conversation.length()).isZero();
      conversation.generate(turn(Prompt.text("A"), 3));
      int length = conversation.length();
      // nothing new: the last token is computed again for its logits
      assertThat(conversation.generate(turn(Prompt.ids(), 2)).ids()).hasSize(2);
      assertThat(conversation.length()).isEqualTo(length + 2);
      Generation endless = conversation.start(turn(Prompt.text("B"), 100_000), new Recorder());
      assertThatThrownBy(() -> conversation.generate("C"))
          .isInstanceOf(IllegalStateException.class);
      endless.cancel();
      assertThat(endless.result().cancelled()).isTrue();
      assertThat(conversation.generate(turn(Prompt.text("D"), 2)).ids()).hasSize(2);
      conversation.close();
      conversation.close();
      assertThatThrownBy(() -> conversation.generate("E"))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aFullContextEndsATurn() {
    try (TextModel model = Tandem.open(MODEL);
        Conversation conversation = model.conversation()) {
      GenerationResult result = conversation.generate(turn(Prompt.text("A"), 1_000_000));
      assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(conversation.length()).isEqualTo(model.info().maxSeq() + 1);
      assertThatThrownBy(() -> conversation.generate("B")).isInstanceOf(RequestException.class);
    }
  }

  @Test
  @SuppressWarnings("try") // closed early, as a server that goes away
  void aTurnOfAServerThatWentAwayEndsTheConversation() {
    try (ModelServer server = Tandem.server(MODEL).port(0).start();
        SplitModel model =
            Tandem.split(MODEL).server(server.uri()).reconnectTimeout(Duration.ZERO).connect();
        Conversation conversation = model.conversation()) {
      conversation.generate(turn(Prompt.text("A"), 2));
      server.close();
      assertThatThrownBy(() -> conversation.generate("B")).isInstanceOf(ServerException.class);
      assertThatThrownBy(() -> conversation.generate("C"))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
