package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.GenerationRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may use a server, and whom a client trusts. */
@Tag("slow")
@SuppressWarnings("try") // some are closed early, and once more at the end
@Timeout(300)
class SecurityTest {
  private static final String MODEL = "stories260K";
  private static final String KEY = "correct-horse-battery-staple-0123456789";
  private static final GenerationRequest REQUEST =
      GenerationRequest.of("Once").temperature(0).maxTokens(5);

  @TempDir private Path directory;

  private static String sha256(String key) throws Exception {
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
  }

  private Path keys(String... lines) throws IOException {
    return Files.write(directory.resolve("keys"), List.of(lines));
  }

  private static SplitBuilder client(ModelServer server) {
    return Tandem.split(MODEL).server(server.uri());
  }

  private static int port(ModelServer server) {
    return URI.create(server.uri()).getPort();
  }

  private static int status(ModelServer server, String path, String... headers) throws Exception {
    URI uri = URI.create(server.uri().replaceFirst("^ws", "http")).resolve(path);
    HttpRequest.Builder request = HttpRequest.newBuilder(uri);
    return HttpClient.newHttpClient()
        .send(
            (headers.length == 0 ? request : request.headers(headers)).build(),
            BodyHandlers.ofString())
        .statusCode();
  }

  @Test
  void onlyClientsWithAKeyAreServed() throws Exception {
    Path file = keys("# people", "", "bob " + sha256("another"), "alice " + sha256(KEY));
    try (TextModel whole = Tandem.open(MODEL);
        ModelServer server = Tandem.server(MODEL).port(0).apiKeys(file).start()) {
      try (SplitModel split = client(server).apiKey(KEY).connect()) {
        assertThat(split.generate(REQUEST).ids()).isEqualTo(whole.generate(REQUEST).ids());
      }
      for (SplitBuilder builder :
          List.of(client(server), client(server).apiKey("wrong"), client(server).apiKey(""))) {
        assertThatThrownBy(builder::connect)
            .isInstanceOf(ServerException.class)
            .hasMessageContaining("needs an API key");
      }
      assertThat(status(server, "/v1/info")).isEqualTo(401);
      assertThat(status(server, "/v1/info", "authorization", "Bearer " + KEY)).isEqualTo(200);
      assertThat(status(server, "/v1/info", "authorization", KEY)).isEqualTo(401);
    }
  }

  @Test
  void eachKeyHasItsLimits() throws Exception {
    Path file = keys("alice " + sha256(KEY) + " connections=2 sequences=1", "bob " + sha256("b"));
    try (ModelServer server = Tandem.server(MODEL).port(0).apiKeys(file).start();
        SplitModel first = client(server).apiKey(KEY).connect();
        SplitModel second = client(server).apiKey(KEY).connect()) {
      assertThatThrownBy(() -> client(server).apiKey(KEY).connect())
          .hasMessageContaining("allows no more connections");
      try (SplitModel bob = client(server).apiKey("b").connect();
          Conversation talk = first.conversation()) {
        talk.generate(REQUEST);
        assertThatThrownBy(() -> second.generate(REQUEST))
            .hasMessageContaining("key alice may have 1 sequences together");
        assertThat(bob.generate(REQUEST).ids()).isNotEmpty();
      }
      awaitSuccess(() -> second.generate(REQUEST)); // the conversation's sequence is closed
      second.close();
      awaitSuccess(() -> client(server).apiKey(KEY).connect().close());
    }
  }

  /** A conversation has 512 positions: 640 KB for K and V of 5 layers, 32 elements each, in f32. */
  @Test
  void aKeyHasItsOwnRoom() throws Exception {
    Path file = keys("alice " + sha256(KEY) + " kv=1M", "bob " + sha256("b") + " kv=1K");
    try (ModelServer server =
            Tandem.server(MODEL).port(0).apiKeys(file).queueTimeout(Duration.ZERO).start();
        SplitModel alice = client(server).apiKey(KEY).connect();
        SplitModel bob = client(server).apiKey("b").connect();
        Conversation talk = alice.conversation()) {
      talk.generate(REQUEST);
      assertThatThrownBy(() -> alice.conversation().generate(REQUEST))
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("capacity");
      assertThatThrownBy(() -> bob.generate(REQUEST))
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("limit");
    }
  }

  private static void awaitSuccess(Runnable action) throws InterruptedException {
    for (int i = 0; ; i++) {
      try {
        action.run();
        return;
      } catch (ServerException e) {
        assertThat(i).as("waits of 10 ms").isLessThan(1000);
        Thread.sleep(10);
      }
    }
  }

  @Test
  void wrongFilesOfKeysAreNamed() throws Exception {
    for (String line : List.of("alice", "alice 12ab", "alice " + "g".repeat(64), "")) {
      Path file = keys(line);
      assertThatThrownBy(() -> Tandem.server(MODEL).port(0).apiKeys(file).start())
          .isInstanceOf(TandemException.class)
          .hasMessageContaining(file.toString());
    }
  }

  @Test
  void oneAddressHasALimit() throws Exception {
    try (ModelServer server = Tandem.server(MODEL).port(0).maxConnectionsPerAddress(1).start();
        SplitModel first = client(server).connect()) {
      assertThat(first.generate(REQUEST).ids()).isNotEmpty();
      assertThatThrownBy(() -> client(server).connect())
          .hasMessageContaining("no more connections of this address");
      first.close();
      awaitSuccess(() -> client(server).connect().close());
    }
  }

  @Test
  void pagesOfOtherSitesAreRefused() throws Exception {
    try (ModelServer server = Tandem.server(MODEL).port(0).start()) {
      String own = server.uri().replaceFirst("^ws", "http").replaceFirst("/v1/split", "");
      assertThat(status(server, "/v1/info", "origin", own)).isEqualTo(200);
      for (String origin : List.of("http://evil.example", "null", "not a url", own + "0")) {
        assertThat(status(server, "/v1/info", "origin", origin)).as(origin).isEqualTo(403);
      }
    }
  }

  @Test
  void tlsIsCheckedAndGivesTheSameText() throws Exception {
    Path chain = directory.resolve("cert.pem");
    Path privateKey = directory.resolve("key.pem");
    makeCertificate(chain, privateKey, "ip:127.0.0.1");
    try (TextModel whole = Tandem.open(MODEL);
        ModelServer server =
            Tandem.server(MODEL)
                .port(0)
                .tls(chain, privateKey)
                .apiKeys(keys("a " + sha256(KEY)))
                .start()) {
      assertThat(server.uri()).startsWith("wss://");
      try (SplitModel split = client(server).authority(chain).apiKey(KEY).connect()) {
        assertThat(split.generate(REQUEST).ids()).isEqualTo(whole.generate(REQUEST).ids());
      }
      assertThatThrownBy(() -> client(server).apiKey(KEY).connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("no secure connection");
      assertThatThrownBy(
              () -> Tandem.split(MODEL).server(server.uri().replace("wss", "ws")).connect())
          .isInstanceOf(ServerException.class);
    }
    assertThatThrownBy(
            () -> Tandem.server(MODEL).port(0).tls(chain, directory.resolve("none")).start())
        .isInstanceOf(TandemException.class);
  }

  @Test
  void aCertificateOfAnotherNameIsNotTrusted() throws Exception {
    Path chain = directory.resolve("cert.pem");
    Path privateKey = directory.resolve("key.pem");
    makeCertificate(chain, privateKey, "dns:other.example");
    try (ModelServer server = Tandem.server(MODEL).port(0).tls(chain, privateKey).start()) {
      assertThatThrownBy(() -> client(server).authority(chain).connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining("no secure connection");
    }
  }

  @Test
  void aConnectionThatSendsNoRequestIsClosed() throws Exception {
    try (ModelServer server = Tandem.server(MODEL).port(0).start();
        Socket slow = new Socket(InetAddress.getLoopbackAddress(), port(server))) {
      slow.getOutputStream().write("GET /v1/sp".getBytes(StandardCharsets.US_ASCII));
      InputStream in = slow.getInputStream();
      assertThat(in.read()).isEqualTo(-1); // a minute would be a hang; the server waits 10 s
    }
  }

  /** By keytool, which every JDK has; PEM is base64 between two lines. */
  private void makeCertificate(Path chain, Path privateKey, String name) throws Exception {
    Path store = directory.resolve("store.p12");
    Files.deleteIfExists(store);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(
        List.of("-genkeypair", "-alias", "a", "-keyalg", "EC", "-groupname", "secp256r1"));
    command.addAll(List.of("-dname", "CN=test", "-ext", "SAN=" + name, "-validity", "2"));
    command.addAll(
        List.of("-keystore", store.toString(), "-storetype", "PKCS12", "-storepass", "secret"));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(keytool.waitFor()).as(output).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, "secret".toCharArray());
    }
    write(chain, "CERTIFICATE", keys.getCertificate("a").getEncoded());
    byte[] key =
        Optional.ofNullable(keys.getKey("a", "secret".toCharArray())).orElseThrow().getEncoded();
    write(privateKey, "PRIVATE KEY", key);
  }

  private static void write(Path file, String kind, byte[] content) throws IOException {
    Files.writeString(
        file,
        "-----BEGIN "
            + kind
            + "-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content)
            + "\n-----END "
            + kind
            + "-----\n");
  }
}
