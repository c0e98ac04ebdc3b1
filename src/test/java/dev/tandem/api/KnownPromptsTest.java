package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Reply;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose beginnings of prompts a server knows, and that nothing else changes. */
@Timeout(300)
class KnownPromptsTest {
  private static final String MODEL = "stories260K";
  private static final long CACHE = 64 << 20;
  private static final int CHUNK_BYTES = 48 + 256 * 64 * 4; // a frame of C rows of f32

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
        long first = sent(server, "bob", reply, 1, request(reply.ordinal(), 1));
        long second = sent(server, "bob", reply, 1, request(reply.ordinal(), 2));
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
}
