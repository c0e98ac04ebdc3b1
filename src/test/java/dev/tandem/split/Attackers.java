package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * All kinds of abuse at once, each on threads of its own, until they are closed. They come from
 * addresses of their own, and have the keys {@code mallory}, {@code trudy}, {@code idler} and
 * {@code crowd} ({@link #keys}).
 *
 * <p><b>Pace.</b> They share the processor with the server and with the good clients here, which
 * attackers in a network do not. So none of them repeats as fast as it can: each pauses between its
 * messages or connections for a time that a network would take, {@value Attacks#PAUSE_MILLIS} ms
 * and more. In all there are about 150 connections and some hundred messages per second, on about
 * 100 connections at once.
 */
final class Attackers implements AutoCloseable {
  private static final int GARBAGE = 64;
  private static final int SLOW = 16;

  private interface Attack {
    void run() throws IOException, InterruptedException;
  }

  private final Attacks attacks;
  private final Map<String, Integer> counts = new ConcurrentHashMap<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Queue<CompletableFuture<Void>> running = new ConcurrentLinkedQueue<>();

  /** Starts all of them. */
  Attackers(int port, int layers, int chunkRows, int dModel) {
    attacks = new Attacks(port, layers, chunkRows, dModel);
    for (int i = 0; i < GARBAGE; i++) {
      Random random = new Random(i);
      start("garbage", 300 + random.nextInt(400), () -> attacks.garbage(random));
    }
    for (int i = 0; i < SLOW; i++) {
      start("slow handshake", Attacks.PAUSE_MILLIS, attacks::slowHandshake);
    }
    start("reads no rows", Attacks.PAUSE_MILLIS, attacks::readsNoRows);
    start("reads no info", Attacks.PAUSE_MILLIS, attacks::readsNoInfo);
    start("opens until refused", 200, () -> attacks.opensUntilRefused("mallory"));
    start("opens until refused", 200, () -> attacks.opensUntilRefused("trudy"));
    start("no key", 100, () -> attacks.refusedUpgrade(401));
    start("wrong key", 100, () -> attacks.refusedUpgrade(401, Attacks.bearer("wrong")));
    start("foreign origin", 100, attacks::foreignOrigin);
    start("too many connections", 200, attacks::tooManyConnections);
    start("too long", 200, attacks::tooLong);
    start("broken messages", 100, attacks::brokenMessages);
  }

  /** Lines of a file of keys; their limits together leave room in {@code kvBytes} for others. */
  static String keys(long kvBytes) {
    String part = " kv=" + kvBytes / 4 / 1024 + "K\n";
    return "mallory "
        + RawClient.sha256("mallory")
        + " sequences="
        + Attacks.MAX_SEQUENCES
        + part
        + "trudy "
        + RawClient.sha256("trudy")
        + part
        + "idler "
        + RawClient.sha256("idler")
        + part
        + "crowd "
        + RawClient.sha256("crowd")
        + " connections="
        + Attacks.MAX_CONNECTIONS
        + "\n";
  }

  private void start(String name, long pauseMillis, Attack attack) {
    running.add(
        CompletableFuture.runAsync(
            () -> {
              while (!attacks.isStopped()) {
                try {
                  attack.run();
                  counts.merge(name, 1, Integer::sum);
                  Thread.sleep(pauseMillis);
                } catch (IOException | InterruptedException | RuntimeException | Error e) {
                  if (!attacks.isStopped()) {
                    failures.add(new AssertionError(name + ": " + e, e));
                    return;
                  }
                }
              }
            },
            THREADS));
  }

  /** How often each attack was made. */
  Map<String, Integer> counts() {
    return new TreeMap<>(counts);
  }

  /** Error codes that the server has answered with. */
  Set<String> codes() {
    return attacks.codes();
  }

  /** HTTP statuses that the server has answered with. */
  Set<Integer> statuses() {
    return attacks.statuses();
  }

  /** Fails if an attack was not answered as it should be. */
  void assertAnswered() {
    assertThat(failures).isEmpty();
  }

  /** Ends them. */
  @Override
  public void close() throws IOException {
    attacks.stop();
    running.forEach(CompletableFuture::join);
    assertAnswered();
  }
}
