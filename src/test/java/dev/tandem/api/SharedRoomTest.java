package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** More conversations than there is room for: each goes on when its turn comes, bit for bit. */
@Timeout(120)
class SharedRoomTest {
  private static final String MODEL = "gpt2-shakespeare";
  private static final int TURNS = 3;

  private static GenerationRequest request(int speaker, int turn) {
    return GenerationRequest.of("What light is that, " + speaker + turn + "?")
        .maxTokens(6)
        .ignoreEos(true)
        .temperature(1)
        .seed(speaker);
  }

  /** What each speaker hears, turn by turn, in conversations that go on side by side. */
  private static List<GenerationResult> talk(TextModel... models) {
    List<GenerationResult> heard = new ArrayList<>();
    List<Conversation> conversations = new ArrayList<>();
    for (TextModel model : models) {
      conversations.add(model.conversation());
    }
    for (int turn = 0; turn < TURNS; turn++) {
      for (int speaker = 0; speaker < models.length; speaker++) {
        heard.add(conversations.get(speaker).generate(request(speaker, turn)));
      }
    }
    conversations.forEach(Conversation::close);
    return heard;
  }

  @Test
  void conversationsTakeTheRoomOfIdleOnes() {
    try (TextModel whole = Tandem.open(MODEL);
        ModelServer server =
            Tandem.server(MODEL).port(0).maxSequences(2).idleTimeout(Duration.ZERO).start();
        SplitModel first = Tandem.split(MODEL).server(server.uri()).connect();
        SplitModel second = Tandem.split(MODEL).server(server.uri()).layers(1).connect()) {
      List<GenerationResult> expected = talk(whole, whole, whole, whole);
      List<GenerationResult> heard = talk(first, second, first, second);
      for (int i = 0; i < expected.size(); i++) {
        assertThat(heard.get(i).ids()).as("turn %d", i).isEqualTo(expected.get(i).ids());
        assertThat(heard.get(i).text()).isEqualTo(expected.get(i).text());
      }
    }
  }
}
