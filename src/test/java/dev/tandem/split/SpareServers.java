package dev.tandem.split;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Processes that have loaded everything a server needs, and wait to be told what to serve. So a
 * killed server is back in a fraction of a second.
 */
public final class SpareServers implements AutoCloseable {
  /** A process that answers each line with a line. */
  static final class Spare implements AutoCloseable {
    private final Process process;
    private final BufferedReader out;

    Spare() throws IOException {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "-cp"));
      command.add(System.getProperty("java.class.path"));
      command.add(KilledServer.class.getName());
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Sends a line and returns the answer.
     *
     * @throws IOException if the process has ended
     */
    String ask(String line) throws IOException {
      OutputStream in = process.getOutputStream();
      in.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      in.flush();
      String answer = out.readLine();
      if (answer == null) {
        throw new IOException("the server's process ended");
      }
      return answer;
    }

    /** Ends it with SIGKILL, and waits until it is gone. */
    @Override
    public void close() {
      process.destroyForcibly();
      process.onExit().join();
    }
  }

  private final int n;
  private final BlockingQueue<Spare> waiting = new LinkedBlockingQueue<>();

  /**
   * @param n how many wait at least
   */
  public SpareServers(int n) throws IOException {
    this.n = n;
    for (int i = 0; i < n; i++) {
      waiting.add(new Spare());
    }
  }

  /** The one that has waited longest; another one is started in its place if few are left. */
  synchronized Spare take() throws IOException {
    if (waiting.size() <= n) {
      waiting.add(new Spare());
    }
    return waiting.remove();
  }

  /** A process that serves nothing any more can serve something else. */
  void giveBack(Spare spare) {
    waiting.add(spare);
  }

  @Override
  public void close() {
    waiting.forEach(Spare::close);
  }
}
