package dev.tandem.api;

import static dev.tandem.ThreadPerTask.THREADS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Draft;
import dev.tandem.settings.Reply;
import dev.tandem.split.ChaosWire;
import dev.tandem.split.ServedProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Connections break in every way, late answers come on given-up connections, and servers are killed
 * and started again, all by a seed: every client ends with the bits of an undisturbed run, and
 * nothing is left on the servers.
 */
@Tag("slow")
@Timeout(7200)
class ChaosTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final int RUNS = LONG ? 200 : 4;

  /** Of the wire and of processes; in all runs together. */
  private static final int KILLS = LONG ? 300 : 4;

  /** In a short run one process is killed in so many runs; starting one takes a second or two. */
  private static final int RUNS_PER_DEAD_PROCESS = LONG ? 2 : 3;

  private static final int TOKENS = 60;
  private static final int MEAN_BYTES = 15_000;
  private static final int MAX_BREAKS = 4;
  private static final String MODEL = "gpt2-shakespeare";

  private record Outcome(GenerationResult result, GenerationRequest request) {}

  private static SplitModel open(Random random, ChaosWire wire) {
    int layers = random.nextInt(4);
    List<Reply> replies = List.of(Reply.values());
    Reply reply = replies.get(random.nextInt(replies.size()));
    boolean drafts = random.nextBoolean();
    for (int attempt = 0; ; attempt++) {
      try {
        SplitBuilder builder =
            Tandem.split(MODEL)
                .server(wire.uri())
                .layers(layers)
                .reply(reply)
                .topLogits(8)
                .connectTimeout(Duration.ofSeconds(2))
                .openTimeout(Duration.ofSeconds(10))
                .pingInterval(Duration.ofMillis(200));
        return (drafts ? builder.draft(Draft.ngram()) : builder).connect();
      } catch (ServerException e) { // the first connection is not tried twice by itself
        assertThat(attempt).as("first connections").isLessThan(20);
      }
    }
  }

  private static Outcome client(long seed, ChaosWire wire, Runnable atToken) {
    Random random = new Random(seed);
    GenerationRequest request =
        GenerationRequest.of("What light through yonder window breaks? It is the east, " + seed)
            .maxTokens(TOKENS)
            .ignoreEos(true)
            .temperature(random.nextInt(3) / 2.0)
            .seed(seed);
    try (SplitModel split = open(random, wire)) {
      Generation running =
          split.start(
              request,
              new GenerationListener() {
                @Override
                public void token(GeneratedToken token) {
                  atToken.run();
                }
              });
      return new Outcome(running.result(), request);
    }
  }

  /** Kills the server when so many tokens have come. */
  private static final class Killer implements Runnable {
    private final ServedProcess server;
    private int left;
    private int kills;

    Killer(ServedProcess server, int after) {
      this.server = server;
      this.left = after;
    }

    @Override
    public synchronized void run() {
      left--;
      if (left == 0) {
        kills++;
        try {
          server.killAndRestart();
        } catch (IOException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  /** One wire with some clients at once; returns how often something was killed. */
  private static int run(int seed, ServedProcess server, TextModel whole) throws Exception {
    Random random = new Random(seed);
    boolean kills = seed % RUNS_PER_DEAD_PROCESS == 0;
    Killer killer = new Killer(server, kills ? 5 + random.nextInt(TOKENS / 2) : 0);
    try (ChaosWire wire = new ChaosWire(server.port(), seed, MEAN_BYTES, MAX_BREAKS)) {
      List<CompletableFuture<Outcome>> clients = new ArrayList<>();
      for (int i = 0; i <= seed % 3; i++) {
        long clientSeed = 10L * seed + i;
        clients.add(CompletableFuture.supplyAsync(() -> client(clientSeed, wire, killer), THREADS));
      }
      for (CompletableFuture<Outcome> client : clients) {
        Outcome outcome = client.join();
        GenerationResult expected = whole.generate(outcome.request());
        assertThat(outcome.result().ids()).as("seed %d", seed).isEqualTo(expected.ids());
        assertThat(outcome.result().text()).isEqualTo(expected.text());
      }
      return wire.breaks() + killer.kills;
    }
  }

  @Test
  void everyClientEndsWithTheBitsOfAQuietRun() throws Exception {
    try (TextModel whole = Tandem.model(MODEL).open();
        ServedProcess server = new ServedProcess(MODEL)) {
      int kills = 0;
      for (int seed = 0; seed < RUNS; seed++) {
        kills += run(seed, server, whole);
      }
      assertThat(kills).as("kills").isGreaterThanOrEqualTo(KILLS);
      // A quiet run shows how many threads a server keeps, and starts those that it starts late.
      try (ChaosWire quiet = new ChaosWire(server.port(), 0, 1, 0)) {
        Outcome unused = client(1, quiet, () -> {});
      }
      ServedProcess fresh = new ServedProcess(MODEL);
      try (fresh;
          ChaosWire quiet = new ChaosWire(fresh.port(), 0, 1, 0)) {
        Outcome unused = client(1, quiet, () -> {});
        int threads = fresh.awaitIdle(Integer.MAX_VALUE).threads();
        ServedProcess.State left = server.awaitIdle(threads);
        assertThat(left.sequences()).isZero();
        assertThat(left.kvBytes()).isZero();
        assertThat(left.threads()).isLessThanOrEqualTo(threads);
      }
    }
  }
}
