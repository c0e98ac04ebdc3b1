package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.protocol.ClientMessage;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Samples;
import dev.tandem.settings.Output;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Messages of a client that differ a little from good ones. */
@Timeout(900)
class MutatedMessagesTest {
  private static final int MAX_SEQUENCES = 6;
  private static final int MUTATIONS = Boolean.getBoolean("tandem.long") ? 100_000 : 1_000;
  private static final long SEED = 99;

  private ToyServer toy;
  private Bystander bystander;

  @BeforeEach
  void start() throws IOException {
    ServerOptions options = anyPort().withSequences(MAX_SEQUENCES, ToyServer.MAX_SEQ);
    toy = new ToyServer(options.withTimes(options.times().withQueue(Duration.ZERO)));
    bystander = new Bystander(toy);
  }

  @AfterEach
  void othersWentOnAndNothingIsLeft() throws Exception {
    bystander.assertAlive();
    bystander.close();
    while (toy.server.activeConnections() > 0) {
      Thread.sleep(1);
    }
    while (toy.server.activeSequences() > 0) {
      Thread.sleep(1);
    }
    assertThat(toy.model.openSequences()).isZero();
    toy.close();
  }

  /** Every mutated message of a client in every state is answered or closes the connection. */
  @Test
  void mutatedMessagesAreAllAnswered() throws Exception {
    Samples samples = new Samples(SEED);
    int sent = 0;
    int answered = 0;
    int connections = 0;
    while (sent < MUTATIONS) {
      connections++;
      try (RawClient client = new RawClient(toy.uri())) {
        Opened opened = openLogits(client);
        boolean alive = true;
        while (alive && sent < MUTATIONS) {
          sendMutated(client, opened, samples, sent++);
          Object answer = client.next();
          if (answer instanceof ErrorMessage error && error.code().closesConnection()) {
            assertThat(client.next()).isInstanceOf(RawClient.Closed.class);
            alive = false;
          }
          if (answer instanceof RawClient.Closed) {
            alive = false;
          } else {
            answered++;
          }
        }
      }
    }
    assertThat(answered).isGreaterThan(MUTATIONS * 9 / 10);
    assertThat(connections).isGreaterThan(MUTATIONS / 10);
    assertThat(bystander.rounds()).isPositive();
  }

  /** Waits for room: the sequences of the connection before may still be on their way out. */
  private static Opened openLogits(RawClient client) throws InterruptedException {
    while (true) {
      client.send(ControlCodec.encodeClient(client.openMessage(0, Output.LOGITS, 200)));
      if (client.next() instanceof Opened opened) {
        return opened;
      }
    }
  }

  private static void sendMutated(RawClient client, Opened opened, Samples samples, int i) {
    if (i % 8 == 7) {
      ClientMessage message = samples.client();
      byte[] text = ControlCodec.encodeClient(message).getBytes(StandardCharsets.UTF_8);
      client.send(new String(samples.mutate(text), StandardCharsets.UTF_8));
    } else {
      client.send(samples.mutate(RawClient.frame(client.step(opened, 0, 1 + i % C))));
    }
  }
}
