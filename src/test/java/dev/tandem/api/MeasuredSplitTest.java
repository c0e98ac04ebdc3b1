package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Reply;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is measured and chosen, the bits are those of the whole model, and it is said why. */
@Timeout(300)
class MeasuredSplitTest {
  private static final GenerationRequest DRAWN =
      GenerationRequest.of("ROMEO:").maxTokens(30).temperature(1).seed(5).ignoreEos(true);
  private static final GenerationRequest GREEDY = DRAWN.temperature(0);

  private static void assertSame(TextModel model, TextModel whole, GenerationRequest request) {
    GenerationResult result = model.generate(request);
    assertThat(result.ids()).isEqualTo(whole.generate(request).ids());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2-shakespeare", "stories260K"})
  void aMeasuredSplitIsExactAndSaysWhy(String name) {
    try (TextModel whole = Tandem.open(name);
        ModelServer server = Tandem.server(name).port(0).start();
        SplitModel split = Tandem.split(name).server(server.uri()).measured().connect()) {
      assertThat(split.exact()).isTrue();
      assertThat(split.chain()).contains("a round trip takes", "ms a token");
      assertSame(split, whole, DRAWN);
      assertSame(split, whole, GREEDY);
    }
  }

  /**
   * The replies that were not asked for are not chosen, and layers that are not there do not run.
   */
  @Test
  void whatTheUserFixedStays() {
    String name = "gpt2-shakespeare";
    try (TextModel whole = Tandem.open(name);
        ModelServer back = Tandem.server(name).layers(2, 4).port(0).start()) {
      for (Reply reply : Reply.values()) {
        try (SplitModel split =
            Tandem.split(name).server(back.uri()).measured().reply(reply).connect()) {
          String chain = split.chain();
          assertThat(chain).doesNotStartWith("layers 0..3 on");
          assertThat(chain.contains("the head here")).as(chain).isEqualTo(reply == Reply.HIDDEN);
          assertSame(split, whole, DRAWN);
          assertSame(split, whole, GREEDY);
        }
      }
    }
  }

  /** With all layers and the head here, no row travels. */
  @Test
  void nothingIsSentWhereAllIsHere() {
    String name = "gpt2-shakespeare";
    try (TextModel whole = Tandem.open(name);
        ModelServer server = Tandem.server(name).port(0).start();
        SplitModel split =
            Tandem.split(name).server(server.uri()).layers(4).reply(Reply.HIDDEN).connect()) {
      WireStats before = split.wireStats();
      assertSame(split, whole, DRAWN);
      assertThat(split.wireStats()).isEqualTo(before);
    }
  }

  /** Greedy requests get the best logits, which take fewer bytes; others get hidden rows. */
  @Test
  void theReplyFollowsTheRequest() {
    String name = "gpt2-shakespeare";
    try (TextModel whole = Tandem.open(name);
        ModelServer server = Tandem.server(name).port(0).start();
        SplitModel split = Tandem.split(name).server(server.uri()).topLogits(16).connect()) {
      assertThat(split.chain()).contains("the best 16 logits");
      long greedy = received(split, whole, GREEDY);
      long drawn = received(split, whole, DRAWN);
      assertThat(greedy).isLessThan(drawn / 2);
      long few = received(split, whole, DRAWN.topK(8));
      assertThat(few).isLessThan(drawn / 2);
      assertThat(received(split, whole, GREEDY.logprobs(3))).isEqualTo(drawn);
    }
  }

  private static long received(SplitModel split, TextModel whole, GenerationRequest request) {
    long before = split.wireStats().bytesReceived();
    assertSame(split, whole, request);
    return split.wireStats().bytesReceived() - before;
  }

  /** A server without the head cannot send logits. */
  @Test
  void serversWithoutTheHeadSendHiddenRows() {
    String name = "stories260K";
    try (TextModel whole = Tandem.open(name);
        ModelServer front = Tandem.server(name).layers(0, 3).port(0).start();
        ModelServer back = Tandem.server(name).layers(3, 5).port(0).start()) {
      try (SplitModel split = Tandem.split(name).server(front.uri()).server(back.uri()).connect()) {
        for (GenerationRequest request : List.of(GREEDY, DRAWN)) {
          assertSame(split, whole, request);
        }
      }
    }
  }
}
