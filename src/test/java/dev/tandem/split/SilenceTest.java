package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.api.Generation;
import dev.tandem.api.GenerationListener;
import dev.tandem.api.ModelServer;
import dev.tandem.api.SplitModel;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.ConnectionListener;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A link that is down for a while is said in one line, and the text goes on. */
@Timeout(60)
class SilenceTest {
  private static final String MODEL = "gpt2-shakespeare";
  private static final GenerationRequest REQUEST =
      GenerationRequest.of("ROMEO:").maxTokens(100).seed(3).ignoreEos(true);

  private static final class Heard implements ConnectionListener {
    private final List<String> events = new CopyOnWriteArrayList<>();
    private final CountDownLatch silent = new CountDownLatch(1);

    @Override
    public void silent(String server, Duration since) {
      events.add("silent for " + since.toMillis() + " ms");
      silent.countDown();
    }

    @Override
    public void lost(String server, String cause) {
      events.add("lost");
    }

    @Override
    public void restored(String server, Duration outage, boolean resumed) {
      events.add("restored");
    }
  }

  @Test
  void aLinkThatIsDownForAWhileIsToldOnceAndLosesNothing() throws Exception {
    Heard heard = new Heard();
    CountDownLatch begun = new CountDownLatch(3);
    GenerationListener listener =
        new GenerationListener() {
          @Override
          public void token(GeneratedToken token) {
            begun.countDown();
          }
        };
    try (TextModel whole = Tandem.open(MODEL);
        ModelServer server = Tandem.server(MODEL).port(0).start();
        CutWire wire = new CutWire(server.port());
        SplitModel split =
            Tandem.split(MODEL)
                .server(wire.uri())
                .pingInterval(Duration.ofSeconds(4))
                .onConnection(heard)
                .connect()) {
      Generation generation = split.start(REQUEST, listener);
      begun.await();
      wire.hold();
      heard.silent.await();
      wire.release();
      assertThat(generation.result().ids()).isEqualTo(whole.generate(REQUEST).ids());
      assertThat(heard.events).containsExactly("silent for 2000 ms");
    }
  }
}
