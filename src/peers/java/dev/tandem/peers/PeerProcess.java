package dev.tandem.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link Contestant} in its own process. */
final class PeerProcess implements AutoCloseable {
  private final String name;
  private final Path log;
  private final Process process;
  private final PrintStream requests;
  private final BufferedReader answers;

  /**
   * Starts it and waits until its model is loaded.
   *
   * @param log gets what the engine prints
   * @throws IOException if it ends before that
   */
  PeerProcess(String name, List<String> command, Path log) throws IOException {
    this.name = name;
    this.log = log;
    process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    requests = new PrintStream(process.getOutputStream(), true, StandardCharsets.US_ASCII);
    answers =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    String line;
    do { // engines print things while they load
      line = answer();
    } while (!line.equals("ready"));
  }

  String name() {
    return name;
  }

  /** Nanoseconds of {@link Contestant#generate} with a prompt of {@code count} times the id. */
  long generateNanos(int id, int count, int nTokens) throws IOException {
    requests.println(id + " " + count + " " + nTokens);
    return Long.parseLong(answer());
  }

  private String answer() throws IOException {
    String line = answers.readLine();
    if (line == null) {
      throw new IOException(name + " ended; it said:\n" + Files.readString(log));
    }
    return line;
  }

  @Override
  public void close() {
    requests.close(); // the end of its requests ends it
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
