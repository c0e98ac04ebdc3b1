package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.split.ChaosWire;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose beginnings of prompts a server knows, and that nothing else changes. */
@Timeout(300)
class KnownPromptsTest {
  private static final String MODEL = "stories260K";
  private static final long CACHE = 64 << 20;
  private static final int CHUNK_BYTES = 48 + 256 * 64 * 4; // a frame of C rows of f32

  private static final int CHUNK_BYTES_OF_16 = 48 + 16 * 64 * 4;

  @TempDir private Path directory;

  /** Equal for equal seeds in the first 256 tokens; those of the end are drawn by another one. */
  private static GenerationRequest request(long seed, long end) {
    int[] ids = new Random(seed).ints(300, 3, 500).toArray();
    System.arraycopy(new Random(end).ints(44, 3, 500).toArray(), 0, ids, 256, 44);
    return GenerationRequest.of(ids).maxTokens(4).temperature(1).seed(5).ignoreEos(true);
  }

  private Path keys(String... names) throws Exception {
    StringBuilder lines = new StringBuilder();
    for (String name : names) {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      lines.append(name).append(' ').append(HexFormat.of().formatHex(hash)).append('\n');
    }
    return Files.writeString(directory.resolve("keys"), lines);
  }

  /** Payload bytes that a new client sends for a request whose result must be the whole model's. */
  private static long sent(
      ModelServer server, String key, Reply reply, int layers, GenerationRequest request) {
    try (TextModel whole = Tandem.open(MODEL);
        SplitModel split =
            Tandem.split(MODEL)
                .server(server.uri())
                .apiKey(key)
                .reply(reply)
                .layers(layers)
                .connect()) {
      long before = split.wireStats().bytesSent();
      GenerationResult result = split.generate(request);
      long sent = split.wireStats().bytesSent() - before;
      assertThat(result.ids()).isEqualTo(whole.generate(request).ids());
      return sent;
    }
  }

  private static long sent(ModelServer server, String key, GenerationRequest request) {
    return sent(server, key, Reply.HIDDEN, 0, request);
  }

  @Test
  void everyKeyHasItsOwn() throws Exception {
    Path keys = keys("alice", "bob");
    try (ModelServer server =
        Tandem.server(MODEL).port(0).apiKeys(keys).prefixCache(CACHE).start()) {
      long cold = sent(server, "alice", request(1, 1));
      assertThat(sent(server, "bob", request(1, 1))).isEqualTo(cold);
      assertThat(sent(server, "alice", request(1, 2))).isEqualTo(cold - CHUNK_BYTES);
      assertThat(sent(server, "bob", request(1, 3))).isEqualTo(cold - CHUNK_BYTES);
      assertThat(sent(server, "alice", request(2, 1))).isEqualTo(cold);
      // Other layers, and another reply, are other state.
      assertThat(sent(server, "alice", Reply.HIDDEN, 1, request(1, 1))).isEqualTo(cold);
      assertThat(sent(server, "alice", Reply.HIDDEN, 1, request(1, 4)))
          .isEqualTo(cold - CHUNK_BYTES);
      for (Reply reply : List.of(Reply.LOGITS, Reply.TOPK)) {
        long seed = reply.equals(Reply.LOGITS) ? 3 : 4;
        long first = sent(server, "bob", reply, 1, request(seed, 1));
        long second = sent(server, "bob", reply, 1, request(seed, 2));
        assertThat(second).as("%s", reply).isLessThan(first - CHUNK_BYTES / 2);
      }
    }
  }

  @Test
  void clientsWithoutAKeyShareThemOnlyIfTheOperatorSaysSo() {
    try (ModelServer server = Tandem.server(MODEL).port(0).prefixCache(CACHE).start()) {
      long cold = sent(server, "", request(1, 1));
      assertThat(sent(server, "", request(1, 1))).isEqualTo(cold);
    }
    try (ModelServer server =
        Tandem.server(MODEL).port(0).prefixCache(CACHE).sharePrefixes().start()) {
      long cold = sent(server, "", request(1, 1));
      assertThat(sent(server, "", request(1, 1))).isEqualTo(cold - CHUNK_BYTES);
    }
  }

  @Test
  void conversationsGoOnFromWhatIsKnown() {
    GenerationRequest first = request(1, 1);
    try (TextModel whole = Tandem.open(MODEL);
        ModelServer server =
            Tandem.server(MODEL).port(0).prefixCache(CACHE).sharePrefixes().start();
        SplitModel split = Tandem.split(MODEL).server(server.uri()).connect();
        Conversation expected = whole.conversation()) {
      GenerationRequest more = GenerationRequest.of(" and then").maxTokens(5).temperature(0);
      int[] one = expected.generate(first).ids();
      int[] two = expected.generate(more).ids();
      for (int i = 0; i < 2; i++) {
        try (Conversation talk = split.conversation()) {
          assertThat(talk.generate(first).ids()).isEqualTo(one);
          assertThat(talk.generate(more).ids()).isEqualTo(two);
        }
      }
    }
  }

  private static EngineSettings smallChunks() {
    return new EngineSettings(0, "", Optional.empty(), Optional.empty(), false, 16);
  }

  private static ServerBuilder smallChunkServer() {
    return Tandem.server(MODEL).settings(smallChunks()).port(0).prefixCache(CACHE).sharePrefixes();
  }

  /** The second of two servers can know a prompt; the first one's results are its rows. */
  @Test
  void aChainOfServers() {
    GenerationRequest request = request(1, 1);
    try (TextModel whole = Tandem.model(MODEL).settings(smallChunks()).open();
        ModelServer first = smallChunkServer().layers(0, 2).start();
        ModelServer second = smallChunkServer().layers(2, 5).start()) {
      for (int layers : new int[] {0, 1, 2}) {
        long[] sent = new long[2];
        for (int i = 0; i < 2; i++) {
          try (SplitModel split =
              Tandem.split(MODEL)
                  .settings(smallChunks())
                  .server(first.uri())
                  .server(second.uri())
                  .layers(layers)
                  .connect()) {
            assertThat(split.generate(request).ids()).isEqualTo(whole.generate(request).ids());
            sent[i] = split.wireStats().bytesSent();
          }
        }
        long known = layers == 0 ? 18 * CHUNK_BYTES_OF_16 : 0; // later it is known from the start
        assertThat(sent[0] - sent[1])
            .as("layers here: %d", layers)
            .isCloseTo(known, within(CHUNK_BYTES_OF_16 / 4L)); // questions about the servers vary
      }
    }
  }

  /**
   * A client whose connections break resumes its sequence, or replays its prompt to a server that
   * knows it.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 5})
  void brokenWires(int graceSeconds) throws Exception {
    int broken = 0;
    try (TextModel whole = Tandem.model(MODEL).settings(smallChunks()).open();
        ModelServer server =
            smallChunkServer()
                .resumeGrace(Duration.ofSeconds(graceSeconds))
                .pingInterval(Duration.ofMillis(200))
                .start()) {
      for (int seed = 0; seed < 4; seed++) {
        try (ChaosWire wire = new ChaosWire(URI.create(server.uri()).getPort(), seed, 60_000, 6);
            SplitModel split = connect(wire, seed % 2)) {
          for (int end = 0; end < 3; end++) {
            GenerationRequest request = request(7, end).maxTokens(60);
            assertThat(split.generate(request).ids()).isEqualTo(whole.generate(request).ids());
          }
          broken += wire.breaks();
        }
      }
    }
    assertThat(broken).isPositive();
  }

  private static SplitModel connect(ChaosWire wire, int layers) {
    for (int attempt = 0; ; attempt++) {
      try {
        return Tandem.split(MODEL)
            .settings(smallChunks())
            .server(wire.uri())
            .layers(layers)
            .connectTimeout(Duration.ofSeconds(2))
            .openTimeout(Duration.ofSeconds(10))
            .pingInterval(Duration.ofMillis(200))
            .connect();
      } catch (ServerException e) {
        assertThat(attempt).isLessThan(50); // the wire also breaks here
      }
    }
  }
}
