package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.protocol.Protocol;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server speaks HTTP/1.1 only, whichever way a client asks for HTTP/2. */
@Timeout(300)
class HttpVersionTest {
  private static final int HEADER_BYTES = 9;
  private static final int SETTINGS = 4; // the first frame of a server that speaks HTTP/2

  private static final int PING_MILLIS = 200;
  private static final int DRAIN_MILLIS = 100;

  private ToyServer toy;

  @BeforeEach
  void start() throws IOException {
    // The server closes a connection that it has not written to for four of these.
    toy = new ToyServer(ToyServer.anyPort(PING_MILLIS, DRAIN_MILLIS, 0));
  }

  @AfterEach
  void stop() {
    toy.close();
  }

  /** The JDK's client asks for an upgrade to h2c, and takes HTTP/1.1 where it is not offered. */
  @Test
  void anUpgradeIsAnsweredAsHttp11() throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
    URI info = URI.create("http://127.0.0.1:" + toy.uri().getPort() + Protocol.INFO_PATH);
    HttpResponse<String> response =
        client.send(HttpRequest.newBuilder(info).build(), HttpResponse.BodyHandlers.ofString());
    assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
    assertThat(response.statusCode()).isEqualTo(200);
    String answer =
        ask(
            String.join(
                "\r\n",
                "GET " + Protocol.INFO_PATH + " HTTP/1.1",
                "Host: x",
                "Connection: Upgrade, HTTP2-Settings, close",
                "Upgrade: h2c",
                "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
                "",
                ""));
    assertThat(answer).startsWith("HTTP/1.1 200 ").doesNotContain("h2c");
  }

  /** A client that begins with HTTP/2's preface gets no frame of HTTP/2, and is closed. */
  @Test
  void priorKnowledgeIsRefused() throws Exception {
    String emptySettings = "\0\0\0\4\0\0\0\0\0";
    byte[] answer =
        ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + emptySettings).getBytes(StandardCharsets.US_ASCII);
    boolean isHttp2 = answer.length >= HEADER_BYTES && answer[3] == SETTINGS;
    assertThat(isHttp2).isFalse();
    assertThat(toy.server.activeConnections()).isZero();
  }

  /** Sends bytes as they are; everything that comes until the server closes the connection. */
  private String ask(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), toy.uri().getPort())) {
      socket.setSoTimeout(60_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }
}
