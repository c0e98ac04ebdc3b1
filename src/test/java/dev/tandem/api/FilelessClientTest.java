package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.files.ModelFiles;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Offer;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A client without files gets its part from the server, once, and computes what the whole model
 * computes. The models have other types than the built-in ones, which need no download.
 */
@Timeout(300)
class FilelessClientTest {
  private static final String GPT2 = "gpt2-shakespeare";
  private static final int ALL = Integer.MAX_VALUE;
  private static final int RESUMED_PIECE = 1 << 18;
  private static final int HEADERS = 2000;

  @TempDir private Path cache;

  private static GenerationRequest request(int seed) {
    return GenerationRequest.of("ROMEO:")
        .maxTokens(20)
        .ignoreEos(true)
        .temperature(seed % 2)
        .seed(seed)
        .logprobs(ALL);
  }

  private SplitBuilder client(URI server) {
    return Tandem.split(ModelSource.ofServer().withCache(cache)).server(server);
  }

  private static ServerBuilder server(String offer) {
    return Tandem.server(GPT2).type(WeightType.F32).port(0).offer(Offer.of(offer));
  }

  private List<Path> parts() throws IOException {
    if (!Files.isDirectory(cache.resolve("parts"))) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(cache.resolve("parts"))) {
      return files.filter(file -> file.toString().endsWith(".gguf")).toList();
    }
  }

  private static void assertSame(SplitModel split, TextModel whole) {
    for (int seed = 0; seed < 2; seed++) {
      GenerationResult expected = whole.generate(request(seed));
      GenerationResult result = split.generate(request(seed));
      assertThat(result.ids()).isEqualTo(expected.ids());
      assertThat(result.text()).isEqualTo(expected.text());
      assertThat(result.tokens()).isEqualTo(expected.tokens());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32, embeddings, TOPK, 0",
    "gpt2-shakespeare, F32, embeddings, LOGITS, 0",
    "gpt2-shakespeare, F32, head, HIDDEN, 0",
    "gpt2-shakespeare, Q8_0, layers:2, HIDDEN, 2",
    "gpt2-shakespeare, BF16, layers:4, LOGITS, 3",
    "gpt2-shakespeare, F32, layers:4, HIDDEN, 4",
    "stories260K, F16, embeddings, TOPK, 0",
    "stories260K, F16, embeddings, LOGITS, 0",
    "stories260K, Q4_0, head, HIDDEN, 0",
    "stories260K, F16, layers:5, HIDDEN, 3",
    "stories260K, Q8_0, layers:1, TOPK, 1"
  })
  void theBitsAreThoseOfTheWholeModel(
      String name, WeightType type, String offer, Reply reply, int layers) throws Exception {
    try (TextModel whole = Tandem.model(name).type(type).open();
        ModelServer server = Tandem.server(name).type(type).port(0).offer(Offer.of(offer)).start();
        PartWire wire = new PartWire(server)) {
      try (SplitModel split = client(wire.uri()).reply(reply).layers(layers).connect()) {
        assertThat(split.info().name()).isEqualTo(name);
        assertThat(split.exact()).isTrue();
        assertSame(split, whole);
      }
      long carried = wire.partBytes();
      assertThat(parts()).hasSize(1);
      long size = Files.size(parts().get(0));
      assertThat(carried).isBetween(size, size + HEADERS);
      try (SplitModel again = client(wire.uri()).reply(reply).layers(layers).connect()) {
        assertSame(again, whole);
      }
      assertThat(wire.partBytes()).as("the second start downloads nothing").isEqualTo(carried);
    }
  }

  /** Without further words it takes what the server offers: the head if it may, else replies. */
  @ParameterizedTest
  @CsvSource({"embeddings, false", "head, true", "layers:2, true"})
  void theOfferDecidesTheReply(String offer, boolean head) throws Exception {
    try (ModelServer server = server(offer).start();
        SplitModel split = client(URI.create(server.uri())).connect();
        TextModel whole = Tandem.model(GPT2).type(WeightType.F32).open()) {
      assertSame(split, whole);
      try (ModelFiles part = ModelFiles.open(parts().get(0).toString())) {
        assertThat(part.describe().part().orElseThrow())
            .isEqualTo("embedding, no layers, " + (head ? "head" : "no head"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "none, , 0, embeddings",
    "none, HIDDEN, 0, head",
    "embeddings, HIDDEN, 0, head",
    "head, , 1, layers:1",
    "layers:2, TOPK, 3, layers:3"
  })
  void whatIsNotOfferedIsNamed(String offer, Reply reply, int layers, String needed)
      throws Exception {
    try (ModelServer server = server(offer).start()) {
      SplitBuilder builder = client(URI.create(server.uri())).layers(layers);
      if (reply != null) {
        builder.reply(reply);
      }
      assertThatThrownBy(builder::connect)
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("the server offers " + offer)
          .hasMessageContaining("set offer " + needed + " at the server");
      assertThat(parts()).isEmpty();
    }
  }

  @Test
  void aBuiltInModelIsNotDownloaded() throws Exception {
    try (ModelServer server = Tandem.server(GPT2).port(0).offer(Offer.NONE).start();
        SplitModel split = client(URI.create(server.uri())).connect();
        TextModel whole = Tandem.open(GPT2)) {
      assertSame(split, whole);
      assertThat(parts()).isEmpty();
    }
    try (ModelServer server = server("none").start();
        SplitModel split =
            client(URI.create(server.uri())).type(WeightType.F32).layers(1).connect();
        TextModel whole = Tandem.model(GPT2).type(WeightType.F32).open()) {
      assertSame(split, whole);
      assertThat(parts()).isEmpty();
    }
  }

  @Test
  void aPartKeepsTheServersTypes() throws Exception {
    try (ModelServer server = server("head").start()) {
      assertThatThrownBy(() -> client(URI.create(server.uri())).type(WeightType.Q8_0).connect())
          .hasMessageContaining("the server has model gpt2-shakespeare")
          .hasMessageContaining("use the same model at both ends");
    }
  }

  /** The connection breaks in the middle, and the same start goes on from there. */
  @Test
  void aCutDownloadContinues() throws Exception {
    try (TextModel whole = Tandem.model(GPT2).type(WeightType.F32).open();
        ModelServer server = server("layers:4").start();
        PartWire wire = new PartWire(server)) {
      wire.cutAt(2_000_000);
      try (SplitModel split = client(wire.uri()).layers(4).connect()) {
        assertSame(split, whole);
      }
      assertThat(wire.gets()).isEqualTo(2);
      long size = Files.size(parts().get(0));
      assertThat(size).isGreaterThan(4_000_000);
      assertThat(wire.partBytes()).isBetween(size, size + RESUMED_PIECE + 2 * HEADERS);
    }
  }

  /** The user stops in the middle; the next start goes on from there. */
  @Test
  void aStoppedDownloadContinues() throws Exception {
    try (ModelServer server = server("layers:4").start();
        PartWire wire = new PartWire(server)) {
      assertThatThrownBy(
              () ->
                  client(wire.uri())
                      .layers(4)
                      .progress((done, total) -> done < 2_000_000)
                      .connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("interrupted");
      assertThat(parts()).isEmpty();
      List<Long> steps = new ArrayList<>();
      try (SplitModel split =
          client(wire.uri())
              .layers(4)
              .progress(
                  (done, total) -> {
                    steps.add(done);
                    return true;
                  })
              .connect()) {
        assertThat(split.generate("ROMEO:")).isNotEmpty();
      }
      assertThat(steps.get(0)).isBetween(2_000_000L - RESUMED_PIECE, 3_000_000L);
      assertThat(steps.get(steps.size() - 1)).isEqualTo(Files.size(parts().get(0)));
    }
  }

  /** Every byte is covered by a hash: of the header, and of each tensor. */
  @ParameterizedTest
  @CsvSource({"3000", "600000", "900000"})
  void aDamagedTransferIsRefused(int offset) throws Exception {
    try (ModelServer server = server("head").start();
        PartWire wire = new PartWire(server)) {
      wire.flipAt(offset);
      assertThatThrownBy(() -> client(wire.uri()).connect()).isInstanceOf(ServerException.class);
      assertThat(parts()).isEmpty();
      try (SplitModel split = client(wire.uri()).connect()) {
        assertThat(split.generate("ROMEO:")).isNotEmpty();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"300", "600000", "-1000"})
  void aDamagedFileIsFetchedAgain(int offset) throws Exception {
    try (TextModel whole = Tandem.model(GPT2).type(WeightType.F32).open();
        ModelServer server = server("head").start();
        PartWire wire = new PartWire(server)) {
      client(wire.uri()).connect().close();
      byte[] good = Files.readAllBytes(parts().get(0));
      try (RandomAccessFile file = new RandomAccessFile(parts().get(0).toFile(), "rw")) {
        if (offset < 0) {
          file.setLength(good.length + offset);
        } else {
          file.seek(offset);
          file.write(good[offset] ^ 1);
        }
      }
      try (SplitModel split = client(wire.uri()).connect()) {
        assertSame(split, whole);
      }
      assertThat(wire.gets()).isEqualTo(2);
      assertThat(Files.readAllBytes(parts().get(0))).isEqualTo(good);
    }
  }

  @Test
  void twoClientsAtOnceDownloadOnce() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (ModelServer server = server("layers:4").start();
        PartWire wire = new PartWire(server)) {
      List<Future<String>> texts = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        texts.add(
            threads.submit(
                () -> {
                  try (SplitModel split = client(wire.uri()).layers(1).connect()) {
                    return split.generate(request(1)).text();
                  }
                }));
      }
      for (Future<String> text : texts) {
        assertThat(text.get()).isEqualTo(texts.get(0).get()).isNotEmpty();
      }
      assertThat(wire.gets()).isEqualTo(1);
      assertThat(parts()).hasSize(1);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void onlyHoldersOfAKeyGetAPart() throws Exception {
    String key = "a-key-of-this-test";
    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.US_ASCII));
    Path keys =
        Files.writeString(
            cache.resolve("keys"), "a " + HexFormat.of().formatHex(hash) + " connections=1\n");
    try (ModelServer server = server("head").apiKeys(keys).start();
        PartWire wire = new PartWire(server)) {
      assertThatThrownBy(() -> client(wire.uri()).connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("API key");
      assertThat(wire.gets()).isZero();
      try (SplitModel split = client(wire.uri()).apiKey(key).connect()) {
        assertThat(split.generate("ROMEO:")).isNotEmpty();
      }
    }
  }

  /** The first server that offers the part gives it. */
  @Test
  void anotherServerOffersThePart() throws Exception {
    try (ModelServer first = server("none").start();
        ModelServer second = server("head").start();
        SplitModel split = client(URI.create(first.uri())).server(second.uri()).connect()) {
      assertThat(split.generate("ROMEO:")).isNotEmpty();
    }
  }
}
