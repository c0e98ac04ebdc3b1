package dev.tandem.split;

import dev.tandem.endpoints.PrefixCaching;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.scheduler.SchedulerLoad;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server as a process of its own, which can be killed and started again on the same port, and
 * says what it holds when it is asked.
 */
public final class KilledServer implements AutoCloseable {
  /** The model that it serves, or layers of it. */
  public static final String MODEL = "gpt2-shakespeare";

  /** Its arithmetic: short chunks, so that short prompts have whole ones. */
  public static final EngineSettings SETTINGS = EngineSettings.defaults().withChunkRows(16);

  private static final Duration GRACE = Duration.ofSeconds(2);
  private static final Duration PING = Duration.ofMillis(500);

  /** A guard against hanging only. */
  private static final long GUARD_NANOS = 120_000_000_000L;

  /**
   * Below the ports that systems give to clients, so that none takes a dead server's port. Two runs
   * of the tests at once begin at different ones.
   */
  private static final AtomicInteger PORTS =
      new AtomicInteger(20_000 + (int) (ProcessHandle.current().pid() % 300) * 40);

  private static final String STOP = "stop";

  /**
   * What a server holds.
   *
   * @param sequences open or waiting to be resumed
   * @param kvBytes memory that their KV caches may fill
   * @param prefixBytes memory of known prompts, which stay
   * @param threads Java threads of the process
   */
  public record State(int sequences, long kvBytes, long prefixBytes, int threads) {}

  private final SpareServers spares;
  private final Span layers;
  private final long prefixBytes;
  private final int port;
  private SpareServers.Spare process;

  /**
   * Starts a server.
   *
   * @param layers what it serves; the head too if the last layer is among them
   * @param prefixBytes memory for known prompts; 0: none
   */
  public KilledServer(SpareServers spares, Span layers, long prefixBytes) throws IOException {
    this.spares = spares;
    this.layers = layers;
    this.prefixBytes = prefixBytes;
    port = freePort();
    process = spares.take();
    serve();
  }

  private static int freePort() {
    while (true) {
      int candidate = PORTS.getAndIncrement();
      try {
        new ServerSocket(candidate, 1, InetAddress.getLoopbackAddress()).close();
        return candidate;
      } catch (IOException e) {
        // another process has it
      }
    }
  }

  private void serve() throws IOException {
    String answer =
        process.ask(port + " " + layers.begin() + " " + layers.end() + " " + prefixBytes);
    if (!answer.equals("" + port)) {
      throw new IOException("the server listens on " + answer + ", not on " + port);
    }
  }

  /** The port that it always listens on. */
  public int port() {
    return port;
  }

  /**
   * Kills it with SIGKILL, and starts it again.
   *
   * @param deadMillis how long nothing listens at least
   */
  public synchronized void killAndRestart(int deadMillis) throws IOException, InterruptedException {
    process.close();
    Thread.sleep(deadMillis);
    process = spares.take();
    serve();
  }

  /** What it holds now. */
  public synchronized State state() throws IOException {
    String[] numbers = process.ask("").split(" ", 4);
    return new State(
        Integer.parseInt(numbers[0]),
        Long.parseLong(numbers[1]),
        Long.parseLong(numbers[2]),
        Integer.parseInt(numbers[3]));
  }

  /** Waits until it holds nothing, and no more threads than that; returns the last state. */
  public State awaitIdle(int threads) throws IOException, InterruptedException {
    long end = System.nanoTime() + GUARD_NANOS;
    State state = state();
    while ((state.sequences() > 0 || state.kvBytes() > 0 || state.threads() > threads)
        && System.nanoTime() < end) {
      Thread.sleep(50);
      state = state();
    }
    return state;
  }

  /** Stops the server; its process can serve something else. */
  @Override
  public synchronized void close() throws IOException {
    String unused = process.ask(STOP);
    spares.giveBack(process);
  }

  private static ServerOptions options(int port, long prefixBytes) {
    ServerOptions defaults = ServerOptions.defaults();
    return defaults
        .withAddress("127.0.0.1", port)
        .withTimes(defaults.times().withResumeGrace(GRACE).withPingInterval(PING))
        .withPrefixes(new PrefixCaching(prefixBytes, true));
  }

  /** The process. Until its input ends, it waits for what to serve, and serves it. */
  public static void main(String[] args) throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open(MODEL, Optional.empty());
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      HostedModel.start(checkpoint, SETTINGS, options(0, 0)).close(); // loads what it needs
      for (String order = in.readLine(); order != null; order = in.readLine()) {
        serve(checkpoint, order, in);
        System.out.println("stopped");
      }
    }
  }

  /** Serves, and says what the server holds at each line, until it is to stop. */
  private static void serve(Checkpoint checkpoint, String order, BufferedReader in)
      throws IOException {
    String[] numbers = order.split(" ", 4);
    Span layers = Span.layers(Integer.parseInt(numbers[1]), Integer.parseInt(numbers[2]));
    ServerOptions options = options(Integer.parseInt(numbers[0]), Long.parseLong(numbers[3]));
    try (HostedModel server = HostedModel.start(checkpoint, layers, SETTINGS, options)) {
      System.out.println(server.port());
      for (String line = in.readLine(); line != null && !line.equals(STOP); line = in.readLine()) {
        SchedulerLoad load = server.load();
        long prefixes = server.prefixBytes();
        int threads = Thread.getAllStackTraces().size();
        System.out.println(
            server.activeSequences()
                + " "
                + (load.reservedBytes() - prefixes)
                + " "
                + prefixes
                + " "
                + threads);
      }
    }
  }
}
