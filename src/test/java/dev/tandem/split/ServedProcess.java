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
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A server with API keys and budgets, as a process of its own; it says what it holds when asked.
 */
final class ServedProcess implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(2);
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
  record State(int sequences, long kvBytes, int threads) {}

  /**
   * What an operator sets where others can reach the server.
   *
   * @param keys the file of API keys
   * @param kvBytes the budget of KV cache
   * @param heapBytes the largest Java heap
   */
  record Guarded(Path keys, long kvBytes, long heapBytes) {}

  private final int port;
  private final Process process;
  private final BufferedReader out;

  /** Starts a server on any port. */
  ServedProcess(String model, Guarded limits) throws IOException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx" + limits.heapBytes(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            ServedProcess.class.getName(),
            model,
            limits.keys().toString(),
            "" + limits.kvBytes());
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    port = Integer.parseInt(line());
  }

  private String line() throws IOException {
    String line = out.readLine();
    if (line == null) {
      throw new IOException("the server's process ended");
    }
    return line;
  }

  int port() {
    return port;
  }

  /** What it holds now. */
  State state() throws IOException {
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
  State awaitIdle(int threads) throws IOException, InterruptedException {
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

  /** The process: a model, a file of keys, and a budget of KV cache. */
  public static void main(String[] args) throws Exception {
    ServerOptions defaults = ServerOptions.defaults();
    ServerOptions options =
        defaults
            .withAddress("127.0.0.1", 0)
            .withTimes(defaults.times().withResumeGrace(GRACE).withQueue(QUEUE))
            .withSecurity(defaults.security().withApiKeys(Path.of(args[1])))
            .withKvBudget(Long.parseLong(args[2]));
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
