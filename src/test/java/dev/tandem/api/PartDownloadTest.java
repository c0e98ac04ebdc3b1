package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.gguf.GgufImage;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Offer;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a server answers to those who download a client's part of its model. */
@Timeout(120)
class PartDownloadTest {
  private static final String GPT2 = "gpt2-shakespeare";

  @TempDir private Path directory;

  private static HttpResponse<byte[]> send(
      ModelServer server, String method, String query, String... headers) throws Exception {
    URI uri =
        URI.create(
            server.uri().replaceFirst("^ws", "http").replaceFirst("/v1/split", "/v1/part") + query);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody());
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofByteArray());
  }

  private static HttpResponse<byte[]> get(ModelServer server, String query, String... headers)
      throws Exception {
    return send(server, "GET", query, headers);
  }

  private static String header(HttpResponse<byte[]> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  /** Whole models of each layout and type; every range is a piece of the whole. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, , 0, true",
    "gpt2-shakespeare, F32, 0, false",
    "gpt2-shakespeare, Q8_0, 2, true",
    "gpt2-shakespeare, , 4, true",
    "stories260K, , 0, false",
    "stories260K, Q4_0, 5, true"
  })
  void theFileIsThePart(String name, WeightType type, int layers, boolean head) throws Exception {
    ServerBuilder builder = Tandem.server(name).port(0).offer(Offer.ofLayers(layers));
    if (type != null) {
      builder.type(type);
    }
    try (ModelServer server = builder.start()) {
      String query = "?layers=" + layers + "&head=" + head;
      HttpResponse<byte[]> all = get(server, query);
      assertThat(all.statusCode()).isEqualTo(200);
      assertThat(header(all, "content-length")).isEqualTo("" + all.body().length);
      Path file = Files.write(directory.resolve("part.gguf"), all.body());
      assertThat(header(all, "etag"))
          .isEqualTo("\"part-1-" + GgufImage.headerHash(file) + "\"")
          .isEqualTo(header(send(server, "HEAD", query), "etag"));
      try (Checkpoint part = Checkpoints.open(file.toString(), Optional.empty())) {
        assertThat(part.part().embedding()).isTrue();
        assertThat(part.part().layers().end()).isEqualTo(layers);
        assertThat(part.part().head()).isEqualTo(head);
        assertThat(part.statedDigests()).as("nothing is taken on trust").isEmpty();
        assertThat(part.hash().hex()).isEqualTo(hash(server));
        assertThat(part.tokenizer().encode("ROMEO:", false)).isNotEmpty();
      }
      Random random = new Random(layers);
      int length = all.body().length;
      for (int i = 0; i < 20; i++) {
        int from = random.nextInt(length);
        int last = i == 0 ? length - 1 : from + random.nextInt(Math.min(200_000, length - from));
        HttpResponse<byte[]> some = get(server, query, "Range", "bytes=" + from + "-" + last);
        assertThat(some.statusCode()).isEqualTo(206);
        assertThat(header(some, "content-range"))
            .isEqualTo("bytes " + from + "-" + last + "/" + length);
        assertThat(some.body()).isEqualTo(Arrays.copyOfRange(all.body(), from, last + 1));
      }
    }
  }

  /** Converted while it is sent: every range is a piece of the whole, and so are a HEAD's facts. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32, Q8_0, 2",
    "gpt2-shakespeare, F32, F16, 0",
    "stories260K, F16, Q4_0, 5"
  })
  void aSmallerTypeIsServed(String name, WeightType type, WeightType asked, int layers)
      throws Exception {
    try (ModelServer server =
        Tandem.server(name).type(type).port(0).offer(Offer.ofLayers(layers)).start()) {
      String exact = "?head=true&layers=" + layers;
      String query = exact + "&type=" + asked.name().toLowerCase(Locale.ROOT);
      HttpResponse<byte[]> all = get(server, query);
      assertThat(all.statusCode()).isEqualTo(200);
      assertThat(all.body().length).isLessThan(get(server, exact).body().length);
      Path file = Files.write(directory.resolve("part.gguf"), all.body());
      assertThat(header(all, "etag"))
          .isEqualTo("\"approximate-1-" + GgufImage.headerHash(file) + "\"")
          .isEqualTo(header(send(server, "HEAD", query), "etag"));
      try (Checkpoint part = Checkpoints.open(file.toString(), Optional.empty())) {
        assertThat(part.approximation().orElseThrow().type().name()).isEqualTo(asked.name());
        assertThat(part.hash().hex()).isEqualTo(hash(server));
        assertThat(part.heldTensors())
            .as("vectors, positions and rows of broken blocks stay the model's own")
            .allMatch(
                entry ->
                    entry.rows() == 1
                        || entry.name().equals("position_embd.weight")
                        || entry.cols() % 32 != 0);
      }
      Random random = new Random(layers);
      int length = all.body().length;
      for (int i = 0; i < 20; i++) {
        int from = random.nextInt(length);
        int last = from + random.nextInt(Math.min(200_000, length - from));
        HttpResponse<byte[]> some = get(server, query, "Range", "bytes=" + from + "-" + last);
        assertThat(some.statusCode()).isEqualTo(206);
        assertThat(some.body()).isEqualTo(Arrays.copyOfRange(all.body(), from, last + 1));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "f32, 'type must have fewer bits than the model''s own types, got f32'",
    "Q8_0, 'type must be f32, f16, bf16, q8_0 or q4_0'",
    "q6_k, 'type must be f32, f16, bf16, q8_0 or q4_0'"
  })
  void anotherTypeIsRefused(String type, String message) throws Exception {
    try (ModelServer server = Tandem.server(GPT2).type(WeightType.F32).port(0).start()) {
      HttpResponse<byte[]> answer = get(server, "?type=" + type);
      assertThat(answer.statusCode()).isEqualTo(400);
      assertThat(new String(answer.body(), StandardCharsets.UTF_8)).isEqualTo(message + "\n");
      HttpResponse<byte[]> head = send(server, "HEAD", "?type=" + type);
      assertThat(head.statusCode()).isEqualTo(400);
      assertThat(header(head, "x-error-message")).isEqualTo(message);
    }
  }

  /** One conversion at a time: others are asked to come again, and exact parts do not wait. */
  @Test
  void conversionsTakeTurns() throws Exception {
    List<String> types = List.of("q8_0", "q4_0", "f16");
    try (ModelServer server =
        Tandem.server(GPT2).type(WeightType.F32).port(0).offer(Offer.ofLayers(4)).start()) {
      Optional<HttpResponse<byte[]>> refused = Optional.empty();
      for (int round = 0; refused.isEmpty(); round++) {
        int layers = round % 4 + 1;
        List<HttpResponse<byte[]>> answers =
            types.parallelStream()
                .map(type -> unchecked(server, "?head=true&layers=" + layers + "&type=" + type))
                .toList();
        assertThat(answers).allMatch(each -> each.statusCode() == 200 || each.statusCode() == 503);
        assertThat(answers).anyMatch(each -> each.statusCode() == 200);
        refused = answers.stream().filter(each -> each.statusCode() == 503).findFirst();
      }
      assertThat(header(refused.get(), "retry-after")).isEqualTo("2");
      for (String type : types) {
        assertThat(get(server, "?type=" + type).statusCode()).as(type).isEqualTo(200);
      }
    }
  }

  private static HttpResponse<byte[]> unchecked(ModelServer server, String query) {
    try {
      return send(server, "HEAD", query);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static String hash(ModelServer server) throws Exception {
    String info = server.uri().replaceFirst("^ws", "http").replaceFirst("/v1/split", "/v1/info");
    String text =
        HttpClient.newHttpClient()
            .send(HttpRequest.newBuilder(URI.create(info)).build(), BodyHandlers.ofString())
            .body();
    return text.replaceFirst("(?s).*\"model\":\"([0-9a-f]{64})\".*", "$1");
  }

  @Test
  void headersAreThoseOfHttp() throws Exception {
    try (ModelServer server = Tandem.server(GPT2).port(0).start()) {
      HttpResponse<byte[]> all = get(server, "?head=true");
      String etag = header(all, "etag");
      int length = all.body().length;
      assertThat(header(all, "accept-ranges")).isEqualTo("bytes");

      HttpResponse<byte[]> same = get(server, "?head=true", "If-None-Match", "\"x\", " + etag);
      assertThat(same.statusCode()).isEqualTo(304);
      assertThat(same.body()).isEmpty();
      assertThat(get(server, "?head=true", "If-None-Match", "\"x\"").statusCode()).isEqualTo(200);
      assertThat(get(server, "", "If-None-Match", etag).statusCode())
          .as("another part has another ETag")
          .isEqualTo(200);

      HttpResponse<byte[]> continued =
          get(server, "?head=true", "Range", "bytes=100-", "If-Range", etag);
      assertThat(continued.statusCode()).isEqualTo(206);
      assertThat(continued.body()).hasSize(length - 100);
      HttpResponse<byte[]> changed =
          get(server, "?head=true", "Range", "bytes=100-", "If-Range", "\"x\"");
      assertThat(changed.statusCode()).isEqualTo(200);
      assertThat(changed.body()).isEqualTo(all.body());

      HttpResponse<byte[]> last = get(server, "?head=true", "Range", "bytes=-5");
      assertThat(last.body()).isEqualTo(Arrays.copyOfRange(all.body(), length - 5, length));
      for (String beyond : List.of("bytes=" + length + "-", "bytes=-0")) {
        HttpResponse<byte[]> none = get(server, "?head=true", "Range", beyond);
        assertThat(none.statusCode()).as(beyond).isEqualTo(416);
        assertThat(header(none, "content-range")).isEqualTo("bytes */" + length);
      }
      for (String ignored : List.of("bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=-")) {
        assertThat(get(server, "?head=true", "Range", ignored).statusCode())
            .as(ignored)
            .isEqualTo(200);
      }
      HttpResponse<byte[]> head = send(server, "HEAD", "?head=true");
      assertThat(header(head, "content-length")).isEqualTo("" + length);
      assertThat(head.body()).isEmpty();
      assertThat(send(server, "POST", "").statusCode()).isEqualTo(405);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "none, , 403",
    "none, ?head=true, 403",
    "embeddings, , 200",
    "embeddings, ?head=true, 403",
    "head, ?head=true, 200",
    "head, ?layers=1&head=true, 403",
    "layers:2, ?layers=2&head=true, 200",
    "layers:2, ?layers=3&head=true, 403",
    "layers:2, ?layers=1&head=false, 400",
    "layers:2, ?layers=-1, 400",
    "layers:2, ?layers=99999999999, 400",
    "layers:2, ?head=yes, 400",
    "layers:2, ?model=1234, 404"
  })
  void onlyTheOfferIsGiven(String offer, String query, int status) throws Exception {
    try (ModelServer server = Tandem.server(GPT2).port(0).offer(Offer.of(offer)).start()) {
      HttpResponse<byte[]> answer = get(server, query == null ? "" : query);
      assertThat(answer.statusCode()).isEqualTo(status);
      if (status == 403) {
        assertThat(new String(answer.body(), StandardCharsets.UTF_8))
            .contains("the server offers " + offer);
      }
    }
  }

  @Test
  void whatIsNotThereCannotBeOffered() {
    assertThatThrownBy(() -> Tandem.server(GPT2).port(0).offer(Offer.ofLayers(5)).start())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("layers:5 cannot be offered; offer layers:4");
  }

  /** Clients that do not read hold a bounded number of downloads, and no other client's steps. */
  @Test
  void oneAddressHasFewDownloads() throws Exception {
    List<Socket> stuck = new ArrayList<>();
    try (ModelServer server =
            Tandem.server(GPT2).type(WeightType.F32).port(0).offer(Offer.ofLayers(4)).start();
        TextModel whole = Tandem.model(GPT2).type(WeightType.F32).open()) {
      int port = URI.create(server.uri()).getPort();
      for (int i = 0; i < 4; i++) {
        stuck.add(stuck(port));
      }
      HttpResponse<byte[]> refused = get(server, "?head=true");
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(header(refused, "retry-after")).isEqualTo("2");
      try (SplitModel client =
          Tandem.split(GPT2).type(WeightType.F32).server(server.uri()).connect()) {
        assertThat(client.generate("ROMEO:")).isNotEmpty();
        assertThat(whole.generate("ROMEO:")).isNotEmpty();
      }
      stuck.remove(0).close();
      while (get(server, "?head=true").statusCode() != 200) {
        Thread.sleep(20); // the server learns of it when it writes
      }
    } finally {
      for (Socket socket : stuck) {
        socket.close();
      }
    }
  }

  /** Has begun to receive a part that does not fit into the buffers of both ends. */
  private static Socket stuck(int port) throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4096);
    socket.connect(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket
        .getOutputStream()
        .write(
            "GET /v1/part?layers=4&head=true HTTP/1.1\r\nHost: x\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII));
    InputStream in = socket.getInputStream();
    assertThat(in.read()).isEqualTo('H');
    return socket;
  }
}
