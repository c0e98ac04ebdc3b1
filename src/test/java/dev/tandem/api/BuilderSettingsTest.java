package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.InvalidSettingException;
import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The settings of connections and servers: each is checked at once, named, and has an effect. */
class BuilderSettingsTest {
  private static final String MODEL = "gpt2-shakespeare";

  private static void refuses(String setting, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidSettingException.class, wrong -> assertThat(wrong.setting()).isEqualTo(setting));
  }

  @Test
  void serversRefuseWhatIsOutOfRange() {
    ServerBuilder server = Tandem.server(MODEL);
    refuses("port", () -> server.port(-1));
    refuses("port", () -> server.port(65_536));
    refuses("maxConnections", () -> server.maxConnections(0));
    refuses("maxSequences", () -> server.maxSequences(0));
    refuses("maxSequencesPerAddress", () -> server.maxSequencesPerAddress(0));
    refuses("maxContext", () -> server.maxContext(0));
    refuses("prefixCache", () -> server.prefixCache(-1));
    refuses("pingInterval", () -> server.pingInterval(Duration.ofNanos(1)));
    refuses("drainTimeout", () -> server.drainTimeout(Duration.ofMillis(-1)));
    refuses("kvBudget", () -> server.kvBudget(0));
    refuses("queueTimeout", () -> server.queueTimeout(Duration.ofMillis(-1)));
    refuses("idleTimeout", () -> server.idleTimeout(Duration.ofMillis(-1)));
    refuses("resumeGrace", () -> server.resumeGrace(Duration.ofMillis(-1)));
  }

  @Test
  void clientsRefuseWhatIsOutOfRange() {
    SplitBuilder split = Tandem.split(MODEL);
    refuses("connectTimeout", () -> split.connectTimeout(Duration.ZERO));
    refuses("openTimeout", () -> split.openTimeout(Duration.ZERO));
    refuses("stepTimeout", () -> split.stepTimeout(Duration.ofSeconds(-1)));
    refuses("pingInterval", () -> split.pingInterval(Duration.ZERO));
  }

  @Test
  @Timeout(120)
  void layersOfAClientAreLayersOfItsModel() {
    try (ModelServer server = Tandem.server(MODEL).port(0).start()) {
      refuses("layers", () -> client(server).layers(1000).connect());
    }
  }

  @Test
  @Timeout(120)
  void limitsOfAServerHold() throws InterruptedException {
    try (ModelServer server =
            Tandem.server(MODEL)
                .port(0)
                .maxConnections(1)
                .maxSequences(1)
                .maxContext(8)
                .pingInterval(Duration.ofSeconds(2))
                .drainTimeout(Duration.ofSeconds(1))
                .queueTimeout(Duration.ZERO)
                .start();
        SplitModel first = client(server).connect()) {
      assertThatThrownBy(() -> client(server).connect().close())
          .isInstanceOf(ServerException.class);
      GenerationRequest two =
          GenerationRequest.of(5, 6).maxTokens(2).temperature(0).ignoreEos(true);
      assertThat(first.generate(two).ids()).hasSize(2);
      awaitNoSequence(server);
      // 8 positions: 2 of the prompt and 6 that are fed back; the last token needs none.
      assertThat(first.generate(two.maxTokens(9)).ids()).hasSize(7);
      awaitNoSequence(server);
      try (Conversation open = first.conversation()) {
        open.generate(two);
        assertThatThrownBy(() -> first.generate(two)).isInstanceOf(ServerException.class);
      }
    }
  }

  /** A server frees a sequence a moment after its client closed it. */
  private static void awaitNoSequence(ModelServer server) throws InterruptedException {
    while (server.activeSequences() > 0) {
      Thread.sleep(1);
    }
  }

  private static SplitBuilder client(ModelServer server) {
    return Tandem.split(MODEL)
        .server(server.uri())
        .connectTimeout(Duration.ofSeconds(20))
        .openTimeout(Duration.ofSeconds(20))
        .stepTimeout(Duration.ofSeconds(60))
        .pingInterval(Duration.ofSeconds(2));
  }
}
