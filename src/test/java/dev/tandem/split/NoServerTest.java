package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.ServerConnection;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.ServerOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is said where no server can be started, or none is found. */
@Timeout(120)
class NoServerTest {
  private static void assertOneLine(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IOException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts).doesNotContain("\n"));
  }

  @Test
  void aPortInUseSaysWhichAndWhatToDo() throws Exception {
    try (ToyServer toy = new ToyServer(anyPort())) {
      int port = toy.server.port();
      assertOneLine(
          () -> new ToyServer(ServerOptions.defaults().withAddress("127.0.0.1", port)).close(),
          String.valueOf(port),
          "in use",
          "choose another port");
    }
    assertOneLine(
        () ->
            new ToyServer(ServerOptions.defaults().withAddress("no.such.host.invalid", 0)).close(),
        "no.such.host.invalid");
  }

  @Test
  void noServerSaysSo() throws Exception {
    int port;
    try (ServerSocket unused = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      port = unused.getLocalPort();
    }
    assertOneLine(
        () -> ServerConnection.connect(uri(port), ConnectionOptions.defaults()).close(),
        "no server at 127.0.0.1:" + port + " (connection refused); start it or check the address");
    assertOneLine(
        () ->
            ServerConnection.connect(
                    URI.create("ws://no.such.host.invalid:1/v1/split"),
                    ConnectionOptions.defaults())
                .close(),
        "no server at no.such.host.invalid:1 (unknown host)");
    try (ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      assertOneLine(
          () ->
              ServerConnection.connect(
                      uri(mute.getLocalPort()),
                      ConnectionOptions.defaults().withConnectTimeout(Duration.ofMillis(300)))
                  .close(),
          "no answer from 127.0.0.1:" + mute.getLocalPort() + " within 300 ms");
    }
  }

  private static URI uri(int port) {
    return URI.create("ws://127.0.0.1:" + port + "/v1/split");
  }

  @Test
  void aServerThatIsNoTandemServerIsRecognised() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      CompletableFuture<Void> answering =
          CompletableFuture.runAsync(
              () -> {
                try (Socket socket = listener.accept()) {
                  socket
                      .getOutputStream()
                      .write(
                          "HTTP/1.1 418 no\r\ncontent-length: 0\r\n\r\n"
                              .getBytes(StandardCharsets.US_ASCII));
                  socket.getInputStream().readAllBytes();
                } catch (IOException e) {
                  throw new CompletionException(e);
                }
              },
              THREADS);
      assertOneLine(
          () ->
              ServerConnection.connect(uri(listener.getLocalPort()), ConnectionOptions.defaults())
                  .close(),
          "is not a Tandem server (HTTP 418)");
      answering.cancel(true);
    }
  }
}
