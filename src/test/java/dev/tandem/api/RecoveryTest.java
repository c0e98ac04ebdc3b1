package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.Draft;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import dev.tandem.split.ChaosWire;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Connections break at any byte, servers go away: the text goes on, with the bits of a quiet run.
 */
@Tag("slow")
@SuppressWarnings("try") // some are closed early, and once more at the end
@Timeout(600)
class RecoveryTest {
  private static final int SEEDS = Boolean.getBoolean("tandem.long") ? 20 : 1;

  /** Longer than an outage here, and short enough to wait for. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  private static final int ALL = Integer.MAX_VALUE;

  private static GenerationRequest request(int seed) {
    return GenerationRequest.of(
            "What light through yonder window breaks? It is the east, and " + seed)
        .maxTokens(50)
        .ignoreEos(true)
        .temperature(seed % 2)
        .seed(seed)
        .logprobs(ALL);
  }

  private static int port(ModelServer server) {
    return URI.create(server.uri()).getPort();
  }

  private static void assertSame(GenerationResult result, GenerationResult expected) {
    assertThat(result.ids()).isEqualTo(expected.ids());
    assertThat(result.text()).isEqualTo(expected.text());
    assertThat(result.tokens()).isEqualTo(expected.tokens());
  }

  private static void awaitNoSequences(ModelServer server) throws InterruptedException {
    for (int i = 0; server.activeSequences() > 0; i++) {
      assertThat(i).as("waits of 10 ms").isLessThan(6000);
      Thread.sleep(10);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32, 0, HIDDEN, false",
    "gpt2-shakespeare, F32, 2, LOGITS, true",
    "gpt2-shakespeare, Q8_0, 1, HIDDEN, true",
    "stories260K, F32, 0, HIDDEN, true",
    "stories260K, F16, 5, LOGITS, false"
  })
  void brokenWires(String name, WeightType type, int layers, Reply reply, boolean drafts)
      throws Exception {
    int broken = 0;
    try (TextModel whole = Tandem.model(name).type(type).open();
        ModelServer server =
            Tandem.server(name)
                .type(type)
                .port(0)
                .pingInterval(Duration.ofMillis(200))
                .resumeGrace(GRACE)
                .start()) {
      for (int seed = 0; seed < SEEDS; seed++) {
        // What a connection carries is less than a generation needs, so most break once and more.
        int meanBytes = reply == Reply.LOGITS ? 60_000 : 20_000;
        try (ChaosWire wire = new ChaosWire(port(server), seed, meanBytes, 6);
            SplitModel split = open(name, type, layers, reply, drafts, wire)) {
          for (int i = 0; i < 2; i++) {
            assertSame(
                split.generate(request(2 * seed + i)), whole.generate(request(2 * seed + i)));
          }
          broken += wire.breaks();
        }
      }
      awaitNoSequences(server);
    }
    assertThat(broken).as("broken connections").isGreaterThanOrEqualTo(SEEDS);
  }

  /** Connections also break while a whole row is on its way; its step is then computed again. */
  @ParameterizedTest
  @CsvSource({"gpt2-shakespeare, 1, false", "stories260K, 0, true"})
  void brokenWiresWhereWholeRowsAreAskedFor(String name, int layers, boolean drafts)
      throws Exception {
    int broken = 0;
    long fullRows = 0;
    try (TextModel whole = Tandem.model(name).type(WeightType.F32).open();
        ModelServer server =
            Tandem.server(name)
                .type(WeightType.F32)
                .port(0)
                .pingInterval(Duration.ofMillis(200))
                .resumeGrace(GRACE)
                .start()) {
      for (int seed = 0; seed < 2 * SEEDS; seed++) {
        try (ChaosWire wire = new ChaosWire(port(server), seed, 20_000, 6);
            SplitModel split = open(name, WeightType.F32, layers, Reply.TOPK, drafts, wire)) {
          GenerationRequest request =
              GenerationRequest.of("What light through yonder window breaks?")
                  .maxTokens(60)
                  .ignoreEos(true)
                  .temperature(1.5)
                  .seed(seed);
          assertSame(split.generate(request), whole.generate(request));
          broken += wire.breaks();
          fullRows += split.wireStats().fullRows();
        }
      }
      awaitNoSequences(server);
    }
    assertThat(broken).as("broken connections").isGreaterThanOrEqualTo(SEEDS);
    assertThat(fullRows).isGreaterThan(20);
  }

  private static SplitModel open(
      String name, WeightType type, int layers, Reply reply, boolean drafts, ChaosWire wire) {
    for (int attempt = 0; ; attempt++) {
      try {
        SplitBuilder builder =
            Tandem.split(name)
                .type(type)
                .server(wire.uri())
                .layers(layers)
                .reply(reply)
                .topLogits(4)
                .connectTimeout(Duration.ofSeconds(2))
                .openTimeout(Duration.ofSeconds(10))
                .pingInterval(Duration.ofMillis(200));
        return (drafts ? builder.draft(Draft.ngram()) : builder).connect();
      } catch (ServerException e) { // the first connection is not tried twice by itself
        assertThat(attempt).isLessThan(10);
      }
    }
  }

  @Test
  void conversationsGoOnBehindALostConnection() throws Exception {
    List<String> turns =
        List.of("My lord, what news from the north? " + "Speak. ".repeat(12), " And then?", " O!");
    try (TextModel whole = Tandem.model("gpt2-shakespeare").type(WeightType.F32).open();
        ModelServer server =
            Tandem.server("gpt2-shakespeare").type(WeightType.F32).port(0).start();
        ChaosWire wire = new ChaosWire(port(server), 5, 30_000, 8);
        SplitModel split = open("gpt2-shakespeare", WeightType.F32, 1, Reply.HIDDEN, false, wire);
        Conversation expected = whole.conversation();
        Conversation conversation = split.conversation()) {
      for (int i = 0; i < turns.size(); i++) {
        GenerationRequest turn =
            GenerationRequest.of(turns.get(i)).maxTokens(20).ignoreEos(true).seed(i).logprobs(ALL);
        assertSame(conversation.generate(turn), expected.generate(turn));
      }
      assertThat(wire.breaks()).isPositive();
    }
  }

  @Test
  void anotherServerTakesOver() throws Exception {
    AtomicInteger losses = new AtomicInteger();
    AtomicInteger returns = new AtomicInteger();
    ConnectionListener counting =
        new ConnectionListener() {
          @Override
          public void lost(String server, String cause) {
            losses.incrementAndGet();
          }

          @Override
          public void restored(String server, Duration outage, boolean resumed) {
            assertThat(resumed).isFalse(); // it is another server
            returns.incrementAndGet();
          }
        };
    try (TextModel whole = Tandem.model("gpt2-shakespeare").open();
        ModelServer first =
            Tandem.server("gpt2-shakespeare").port(0).drainTimeout(Duration.ZERO).start();
        ModelServer second =
            Tandem.server("gpt2-shakespeare").port(0).drainTimeout(Duration.ZERO).start();
        SplitModel split =
            Tandem.split("gpt2-shakespeare")
                .server(first.uri())
                .server(second.uri())
                .onConnection(counting)
                .connect()) {
      GenerationResult expected = whole.generate(request(3));
      ModelServer used = split.chain().contains(":" + first.port()) ? first : second;
      ModelServer other = used == first ? second : first;
      Generation running =
          split.start(
              request(3),
              new GenerationListener() {
                private int heard;

                @Override
                public void token(GeneratedToken token) {
                  if (++heard == 10) {
                    used.close();
                  }
                }
              });
      assertSame(running.result(), expected);
      assertThat(losses).hasValue(1);
      assertThat(returns).hasValue(1);
      assertSame(split.generate(request(4)), whole.generate(request(4)));
      awaitNoSequences(other);
    }
  }

  /**
   * A generation that runs when its server is closed goes on there to its end, if there is time.
   */
  @Test
  void aServerThatDrainsLetsTextsGoOn() throws Exception {
    CompletableFuture<Void> closing = new CompletableFuture<>();
    AtomicInteger losses = new AtomicInteger();
    ConnectionListener counting =
        new ConnectionListener() {
          @Override
          public void lost(String server, String cause) {
            losses.incrementAndGet();
          }
        };
    try (TextModel whole = Tandem.model("gpt2-shakespeare").open();
        ModelServer server =
            Tandem.server("gpt2-shakespeare")
                .port(0)
                .drainTimeout(Duration.ofSeconds(100))
                .start();
        SplitModel split =
            Tandem.split("gpt2-shakespeare")
                .server(server.uri())
                .onConnection(counting)
                .connect()) {
      GenerationResult expected = whole.generate(request(3));
      Generation running =
          split.start(
              request(3),
              new GenerationListener() {
                private int heard;

                @Override
                public void token(GeneratedToken token) {
                  if (++heard == 5) {
                    new Thread(
                            () -> {
                              server.close();
                              closing.complete(null);
                            })
                        .start();
                  }
                }
              });
      assertSame(running.result(), expected);
      assertThat(losses).hasValue(0);
      assertThatThrownBy(
              () -> Tandem.split("gpt2-shakespeare").server(server.uri()).connect().close())
          .isInstanceOf(ServerException.class);
      closing.get(20, TimeUnit.SECONDS); // it does not wait for idle clients
    }
  }

  @Test
  void withoutPatienceALostServerEndsTheGeneration() {
    try (ModelServer server =
            Tandem.server("gpt2-shakespeare").port(0).drainTimeout(Duration.ZERO).start();
        SplitModel split =
            Tandem.split("gpt2-shakespeare")
                .server(server.uri())
                .reconnectTimeout(Duration.ZERO)
                .connect()) {
      server.close();
      assertThatThrownBy(() -> split.generate(request(0))).isInstanceOf(ServerException.class);
    }
  }

  /** The other server is full when the first one is lost: the text waits for room there. */
  @Test
  void aFullServerIsTriedAgain() throws Exception {
    CountDownLatch lost = new CountDownLatch(1);
    ConnectionListener listener =
        new ConnectionListener() {
          @Override
          public void lost(String server, String cause) {
            lost.countDown();
          }
        };
    try (TextModel whole = Tandem.open("gpt2-shakespeare");
        ModelServer first =
            Tandem.server("gpt2-shakespeare").port(0).drainTimeout(Duration.ZERO).start();
        ModelServer full =
            Tandem.server("gpt2-shakespeare")
                .port(0)
                .maxSequences(1)
                .queueTimeout(Duration.ZERO)
                .start();
        SplitModel other = Tandem.split("gpt2-shakespeare").server(full.uri()).connect();
        Conversation holder = other.conversation();
        SplitModel split =
            Tandem.split("gpt2-shakespeare")
                .server(first.uri())
                .server(full.uri())
                .onConnection(listener)
                .connect();
        Conversation talk = split.conversation();
        Conversation expected = whole.conversation()) {
      holder.generate(request(1));
      assertSame(talk.generate(request(2)), expected.generate(request(2)));
      first.close();
      Generation waiting = talk.start(request(3), GenerationListener.NONE);
      lost.await();
      Thread.sleep(1500); // it is refused meanwhile
      assertThat(waiting.isDone()).isFalse();
      assertThatThrownBy(() -> other.generate(request(4))) // who has begun nothing does not wait
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("capacity");
      holder.close();
      assertSame(waiting.result(), expected.generate(request(3)));
    }
  }

  @Test
  void closingEndsTheWaitForAServer() throws Exception {
    try (ModelServer server =
            Tandem.server("gpt2-shakespeare").port(0).drainTimeout(Duration.ZERO).start();
        SplitModel split = Tandem.split("gpt2-shakespeare").server(server.uri()).connect()) {
      server.close();
      Generation waiting = split.start(request(0));
      Thread.sleep(300);
      assertThat(waiting.isDone()).isFalse();
      split.close();
      assertThat(waiting.isDone()).isTrue();
    }
  }

  @Test
  void cancellingEndsTheWaitForAServer() throws Exception {
    try (ModelServer server =
            Tandem.server("gpt2-shakespeare").port(0).drainTimeout(Duration.ZERO).start();
        SplitModel split = Tandem.split("gpt2-shakespeare").server(server.uri()).connect()) {
      server.close();
      Generation waiting = split.start(request(0));
      Thread.sleep(300);
      assertThat(waiting.isDone()).isFalse();
      waiting.cancel();
      assertThat(waiting.result().cancelled()).isTrue();
    }
  }
}
