package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.engine.Engine;
import dev.tandem.engine.NativeException;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ProfileException;
import dev.tandem.settings.Reply;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several servers of some layers each compute what the whole model computes, to the bit. */
@Tag("slow")
@SuppressWarnings("try") // some are closed early, and once more at the end
@Timeout(600)
class ChainTest {
  private static final int ALL = Integer.MAX_VALUE;

  /** Prompts of several chunks. */
  private static final int CHUNK_ROWS = 16;

  private static EngineSettings settings(int threads, String isa) {
    return new EngineSettings(threads, isa, Optional.empty(), Optional.empty(), true, CHUNK_ROWS);
  }

  /** AVX2 where it is available. */
  private static String olderIsa() {
    try (Engine engine = new Engine(1, "avx2")) {
      return engine.isa();
    } catch (NativeException e) {
      return "scalar";
    }
  }

  private static GenerationRequest request(int seed) {
    return GenerationRequest.of(
            "What light through yonder window breaks? It is the east, and Juliet is the sun.")
        .maxTokens(24)
        .ignoreEos(true)
        .temperature(seed % 2)
        .seed(seed);
  }

  private static ModelServer server(String name, String layers, EngineSettings settings) {
    return server(name, layers, settings, 0);
  }

  private static ModelServer server(String name, String layers, EngineSettings settings, int port) {
    int colon = layers.indexOf(':');
    return Tandem.server(name)
        .settings(settings)
        .layers(
            Integer.parseInt(layers, 0, colon, 10),
            Integer.parseInt(layers, colon + 1, layers.length(), 10))
        .port(port)
        .drainTimeout(Duration.ZERO)
        .start();
  }

  /** The second one has one thread and an older instruction set. */
  private static List<ModelServer> servers(String name, String layout) {
    List<ModelServer> servers = new ArrayList<>();
    for (String layers : layout.split(" ", -1)) {
      boolean older = servers.size() == 1;
      servers.add(server(name, layers, older ? settings(1, olderIsa()) : settings(2, "")));
    }
    return servers;
  }

  private static SplitBuilder client(String name, List<ModelServer> servers) {
    SplitBuilder builder = Tandem.split(name).settings(settings(1, ""));
    servers.forEach(server -> builder.server(server.uri()));
    return builder;
  }

  private static void awaitNoSequences(List<ModelServer> servers) throws InterruptedException {
    for (ModelServer server : servers) {
      for (int i = 0; server.activeSequences() > 0; i++) {
        assertThat(i).as("waits of 10 ms").isLessThan(6000);
        Thread.sleep(10);
      }
    }
  }

  private static void assertSame(GenerationResult result, GenerationResult expected, String where) {
    assertThat(result.ids()).as(where).isEqualTo(expected.ids());
    assertThat(result.text()).as(where).isEqualTo(expected.text());
    assertThat(result.tokens()).as(where).isEqualTo(expected.tokens());
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, 0:2 2:4",
    "gpt2-shakespeare, 2:4 0:1 1:2",
    "gpt2-shakespeare, 0:3 1:4",
    "gpt2-shakespeare, 0:4 4:4",
    "stories260K, 0:3 3:5",
    "stories260K, 0:1 4:5 1:4",
    "stories260K, 0:2 1:4 2:5"
  })
  void everyCutAndEveryReplyGiveTheBitsOfTheWhole(String name, String layout) throws Exception {
    List<ModelServer> servers = servers(name, layout);
    try (TextModel whole = Tandem.model(name).settings(settings(1, "")).open()) {
      int nLayers = name.equals("stories260K") ? 5 : 4;
      int seed = 0;
      for (int layers = 0; layers <= nLayers; layers++) {
        for (Reply reply : Reply.values()) {
          seed++;
          GenerationRequest request = request(seed);
          if (reply != Reply.TOPK) {
            request = request.logprobs(ALL);
          }
          SplitBuilder client = client(name, servers).layers(layers).reply(reply).topLogits(8);
          if (seed % 4 < 2) {
            client.draft(Draft.ngram());
          }
          try (SplitModel split = client.connect()) {
            String where = split.chain();
            GenerationResult result = split.generate(request);
            assertSame(result, whole.generate(request), where);
            assertThat(split.exact()).as(where).isTrue();
            assertThat(split.wireStats().bytesReceived()).as(where).isPositive();
          }
        }
      }
      awaitNoSequences(servers);
    } finally {
      servers.forEach(ModelServer::close);
    }
  }

  @Test
  void theChainIsSaid() {
    List<ModelServer> servers = servers("gpt2-shakespeare", "0:2 1:3 2:4");
    try (SplitModel split = client("gpt2-shakespeare", servers).layers(1).connect();
        SplitModel deep =
            client("gpt2-shakespeare", servers).layers(2).reply(Reply.LOGITS).connect()) {
      assertThat(split.chain())
          .startsWith("layer 0 here, layer 1 on ws://127.0.0.1:" + servers.get(0).port())
          .contains(", layers 2..3 on ws://127.0.0.1:" + servers.get(2).port())
          .contains(", the head here");
      assertThat(deep.chain())
          .startsWith("layers 0..1 here, layers 2..3 and the head on ws://127.0.0.1:")
          .doesNotEndWith("here");
    } finally {
      servers.forEach(ModelServer::close);
    }
  }

  @Test
  void whatIsMissingIsSaid() {
    List<ModelServer> servers = servers("gpt2-shakespeare", "0:1 3:4");
    int unused = servers.get(1).port();
    try {
      assertThatThrownBy(() -> client("gpt2-shakespeare", servers).connect())
          .isInstanceOf(ServerException.class)
          .hasMessage(
              "no server holds layers 1..2 of gpt2-shakespeare; ws://127.0.0.1:%d holds layer 0,"
                      .formatted(servers.get(0).port())
                  + " ws://127.0.0.1:%d holds layer 3 and the head"
                      .formatted(servers.get(1).port()));
      servers.get(1).close();
      assertThatThrownBy(() -> client("gpt2-shakespeare", servers).layers(1).connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("no server holds layers 1..3 of gpt2-shakespeare; ")
          .hasMessageContaining("holds layer 0; no server at 127.0.0.1:" + unused);
      assertThatThrownBy(() -> client("stories260K", servers).connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("no server can be used; ws://127.0.0.1:")
          .hasMessageContaining(" has model gpt2-shakespeare (")
          .hasMessageContaining("; no server at 127.0.0.1:" + unused);
    } finally {
      servers.forEach(ModelServer::close);
    }
  }

  @Test
  void serversThatComputeDifferentlyAreRefused() {
    String name = "gpt2-shakespeare";
    try (ModelServer first = server(name, "0:2", settings(1, ""));
        ModelServer fast = server(name, "2:4", settings(1, "").withReproducible(false));
        ModelServer equal = server(name, "2:4", settings(1, ""))) {
      assertThatThrownBy(() -> Tandem.split(name).server(first.uri()).server(fast.uri()).connect())
          .isInstanceOf(ServerException.class)
          .hasCauseInstanceOf(ProfileException.class)
          .hasMessage(
              "ws://127.0.0.1:%d computes differently: mode fast, ws://127.0.0.1:%d reproducible"
                  .formatted(fast.port(), first.port()));
      try (SplitModel split =
          Tandem.split(name).server(first.uri()).server(fast.uri()).server(equal.uri()).connect()) {
        assertThat(split.chain()).contains("2..3 on ws://127.0.0.1:" + equal.port());
      }
    }
  }

  /** The spare one starts when the other one dies, so that it is not chosen before. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, 0:2 2:4, 2:4, 1, HIDDEN, 0",
    "gpt2-shakespeare, 0:2 2:4, 0:3, 0, LOGITS, 1",
    "stories260K, 0:2 2:4 4:5, 1:4, 1, HIDDEN, 1",
    "stories260K, 0:2 2:4 4:5, 4:5, 2, TOPK, 0"
  })
  void aSpareServerTakesOver(
      String name, String layout, String spareLayers, int dies, Reply reply, int layers)
      throws Exception {
    List<ModelServer> servers = servers(name, layout);
    List<String> lost = new ArrayList<>();
    int sparePort = unusedPort();
    SplitBuilder client =
        client(name, servers)
            .server("ws://127.0.0.1:" + sparePort)
            .layers(layers)
            .reply(reply)
            .onConnection(
                new ConnectionListener() {
                  @Override
                  public void lost(String server, String cause) {
                    lost.add(server);
                  }
                });
    ModelServer dying = servers.get(dies);
    try (TextModel whole = Tandem.model(name).settings(settings(1, "")).open();
        SplitModel split = client.connect()) {
      GenerationRequest request = request(7);
      GenerationResult expected = whole.generate(request);
      Generation running =
          split.start(
              request,
              new GenerationListener() {
                private int heard;

                @Override
                public void token(GeneratedToken token) {
                  if (++heard == 8) {
                    dying.close();
                    servers.add(server(name, spareLayers, settings(2, ""), sparePort));
                  }
                }
              });
      assertSame(running.result(), expected, layout);
      assertThat(lost).containsExactly("127.0.0.1:" + dying.port());
      assertThat(split.chain()).contains(":" + sparePort).doesNotContain(":" + dying.port());
      split.close();
      awaitNoSequences(servers);
    } finally {
      servers.forEach(ModelServer::close);
    }
  }

  /** Both servers die while several generations run, and come back. */
  @Test
  void severalGenerationsSurviveTheLossOfAllServers() throws Exception {
    String name = "gpt2-shakespeare";
    List<ModelServer> servers = servers(name, "0:2 2:4");
    AtomicInteger heard = new AtomicInteger();
    try (TextModel whole = Tandem.model(name).settings(settings(1, "")).open();
        SplitModel split = client(name, servers).connect()) {
      GenerationListener killer =
          new GenerationListener() {
            @Override
            public void token(GeneratedToken token) {
              if (heard.incrementAndGet() == 30) {
                servers.forEach(ModelServer::close);
                for (String layers : List.of("0:2", "2:4")) {
                  int port = servers.get(servers.size() - 2).port();
                  servers.add(server(name, layers, settings(1, ""), port));
                }
              }
            }
          };
      List<Generation> running = new ArrayList<>();
      for (int seed = 0; seed < 4; seed++) {
        running.add(split.start(request(seed).logprobs(ALL), killer));
      }
      for (int seed = 0; seed < running.size(); seed++) {
        GenerationResult expected = whole.generate(request(seed).logprobs(ALL));
        assertSame(running.get(seed).result(), expected, "seed " + seed);
      }
      assertThat(servers).hasSize(4);
      awaitNoSequences(servers.subList(2, 4));
    } finally {
      servers.forEach(ModelServer::close);
    }
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
