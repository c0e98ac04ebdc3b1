package dev.tandem.split;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.scheduler.SchedulerLoad;
import dev.tandem.settings.EngineSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A server as a process of its own, which can be killed and started again on the same port, and
 * says what it holds when it is asked.
 */
public final class ServedProcess implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(2);
  private static final Duration PING = Duration.ofMillis(200);
  private static final Duration QUEUE = Duration.ofSeconds(1);

  /** A guard against hanging only. */
  private static final long GUARD_NANOS = 120_000_000_000L;

  /**
   * What a server holds.
   *
   * @param sequences open or waiting to be resumed
   * @param kvBytes memory that their KV caches may fill
   * @param threads Java threads of the process
   */
  public record State(int sequences, long kvBytes, int threads) {}

  /**
   * What an operator sets where others can reach the server.
   *
   * @param keys the file of API keys
   * @param kvBytes the budget of KV cache
   * @param heapBytes the largest Java heap
   */
  public record Guarded(Path keys, long kvBytes, long heapBytes) {}

  private final String model;
  private final Optional<Guarded> guarded;
  private int port;
  private Process process;
  private BufferedReader out;

  /** Starts a server on any port. */
  public ServedProcess(String model) throws IOException {
    this(model, Optional.empty());
  }

  /** Starts a server with API keys and budgets on any port. */
  ServedProcess(String model, Guarded guarded) throws IOException {
    this(model, Optional.of(guarded));
  }

  private ServedProcess(String model, Optional<Guarded> guarded) throws IOException {
    this.model = model;
    this.guarded = guarded;
    process = launch(0);
    out = reader(process);
    port = Integer.parseInt(line());
  }

  private Process launch(int atPort) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"));
    command.add(System.getProperty("java.class.path"));
    guarded.ifPresent(limits -> command.add(1, "-Xmx" + limits.heapBytes()));
    command.addAll(List.of(ServedProcess.class.getName(), model, "" + atPort));
    guarded.ifPresent(
        limits -> command.addAll(List.of(limits.keys().toString(), "" + limits.kvBytes())));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static BufferedReader reader(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private String line() throws IOException {
    String line = out.readLine();
    if (line == null) {
      throw new IOException("the server's process ended");
    }
    return line;
  }

  /** The port that it always listens on. */
  public int port() {
    return port;
  }

  /** Kills it with SIGKILL, and starts it again. */
  public void killAndRestart() throws IOException {
    process.destroyForcibly();
    process.onExit().join();
    process = launch(port);
    out = reader(process);
    port = Integer.parseInt(line());
  }

  /** What it holds now. */
  public State state() throws IOException {
    OutputStream in = process.getOutputStream();
    in.write('\n');
    in.flush();
    String[] numbers = line().split(" ", 3);
    return new State(
        Integer.parseInt(numbers[0]), Long.parseLong(numbers[1]), Integer.parseInt(numbers[2]));
  }

  /** Memory of the process that is in RAM. */
  long residentBytes() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElseThrow();
    }
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

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }

  private static ServerOptions options(String[] args) {
    ServerOptions defaults = ServerOptions.defaults();
    ServerOptions options = defaults.withAddress("127.0.0.1", Integer.parseInt(args[1]));
    if (args.length == 2) {
      return options.withTimes(defaults.times().withResumeGrace(GRACE).withPingInterval(PING));
    }
    return options
        .withTimes(defaults.times().withResumeGrace(GRACE).withQueue(QUEUE))
        .withSecurity(defaults.security().withApiKeys(Path.of(args[2])))
        .withKvBudget(Long.parseLong(args[3]));
  }

  /** The process: a model and a port, and perhaps a file of keys and a budget of KV cache. */
  public static void main(String[] args) throws Exception {
    ServerOptions options = options(args);
    try (Checkpoint checkpoint = Checkpoints.open(args[0], Optional.empty());
        HostedModel server = HostedModel.start(checkpoint, EngineSettings.defaults(), options);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      System.out.println(server.port());
      while (in.readLine() != null) { // ends with the process that started it
        SchedulerLoad load = server.load();
        int threads = Thread.getAllStackTraces().size();
        System.out.println(server.activeSequences() + " " + load.reservedBytes() + " " + threads);
      }
    }
  }
}
