package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.ServerStage;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.Output;
import dev.tandem.stage.Sequence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a client can still do while it looks for its server. */
@Timeout(60)
class LostServerTest {
  private static Sequence open(ServerStage stage) {
    try {
      return stage.openSequence(10);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void theTrafficIsKnownWhileTheClientConnects() throws Exception {
    CountDownLatch lost = new CountDownLatch(1);
    CountDownLatch mayConnect = new CountDownLatch(1);
    try (ToyServer server = new ToyServer(anyPort());
        CutWire wire = new CutWire(server.server.port())) {
      ServerStage.Connector connector =
          () -> {
            RemoteStage found =
                server.stage(
                    ServerConnection.connect(
                        wire.uri(), ToyServer.pingEvery(Duration.ofMillis(100))),
                    0,
                    Output.HIDDEN);
            try {
              if (lost.getCount() == 0) {
                mayConnect.await();
              }
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return found;
          };
      ConnectionListener listener =
          new ConnectionListener() {
            @Override
            public void lost(String peer, String cause) {
              lost.countDown();
            }
          };
      try (ServerStage stage = new ServerStage(connector, Duration.ofMinutes(1), listener)) {
        stage.openSequence(10).close();
        long before = stage.traffic().bytesSent();
        assertThat(before).isPositive();
        wire.cut();
        CompletableFuture<Sequence> opening = new CompletableFuture<>();
        THREADS.execute(() -> opening.complete(open(stage)));
        lost.await();
        assertThat(stage.traffic().bytesSent()).isGreaterThanOrEqualTo(before);
        assertThat(opening).isNotDone();
        mayConnect.countDown();
        opening.join().close();
        assertThat(stage.traffic().bytesSent()).isGreaterThan(before);
      }
    }
  }
}
