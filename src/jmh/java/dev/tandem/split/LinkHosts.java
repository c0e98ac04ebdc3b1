package dev.tandem.split;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the processes of {@link LinkReport} run: client, wire and server in network namespaces of
 * their own, joined by veth pairs, where that is permitted; otherwise all on loopback. Each of the
 * two ends may be limited to a quarter of a processor by a control group.
 */
final class LinkHosts implements AutoCloseable {
  private static final Path GROUPS_1 = Path.of("/sys/fs/cgroup/cpu");
  private static final Path GROUPS_2 = Path.of("/sys/fs/cgroup");
  private static final String CLIENT = "tandem-client";
  private static final String WIRE = "tandem-wire";
  private static final String SERVER = "tandem-server";

  /** A short period, so that a step waits for a small part of it only. */
  private static final int PERIOD_MICROS = 10_000;

  private static final int QUOTA_MICROS = PERIOD_MICROS / 4;

  private final boolean namespaces;
  private final List<Process> started = new ArrayList<>();

  LinkHosts(boolean loopback) throws IOException {
    boolean made = false;
    if (!loopback) {
      removeNamespaces();
      made = makeNamespaces();
    }
    namespaces = made;
  }

  /** What the report says about the place. */
  String description() {
    return namespaces
        ? "three network namespaces joined by veth pairs, with the wire in the middle one"
        : "one machine's loopback interface, through the wire";
  }

  private static boolean makeNamespaces() throws IOException {
    for (String name : List.of(CLIENT, WIRE, SERVER)) {
      if (!succeeds("ip", "netns", "add", name)
          || !succeeds("ip", "-n", name, "link", "set", "lo", "up")) {
        removeNamespaces();
        return false;
      }
    }
    boolean joined = join(CLIENT, "10.77.1.2/30", "10.77.1.1/30", "tw1");
    joined = joined && join(SERVER, "10.77.2.2/30", "10.77.2.1/30", "tw2");
    if (!joined) {
      removeNamespaces();
    }
    return joined;
  }

  private static boolean join(String end, String address, String wireAddress, String device)
      throws IOException {
    String[][] commands = {
      {
        "ip", "link", "add", "te0", "netns", end, "type", "veth", "peer", "name", device, "netns",
        WIRE
      },
      {"ip", "-n", end, "addr", "add", address, "dev", "te0"},
      {"ip", "-n", end, "link", "set", "te0", "up"},
      {"ip", "-n", WIRE, "addr", "add", wireAddress, "dev", device},
      {"ip", "-n", WIRE, "link", "set", device, "up"}
    };
    for (String[] command : commands) {
      if (!succeeds(command)) {
        return false;
      }
    }
    return true;
  }

  private static void removeNamespaces() throws IOException {
    for (String name : List.of(CLIENT, WIRE, SERVER)) {
      boolean unused = succeeds("ip", "netns", "del", name);
    }
  }

  private static boolean succeeds(String... command) throws IOException {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return wait(process) == 0;
    } catch (IOException e) {
      return false; // there is no such program
    }
  }

  private static int wait(Process process) throws IOException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** The address that a server listens on. */
  String serverAddress() {
    return namespaces ? "10.77.2.2" : "127.0.0.1";
  }

  /** The address of the wire's near end. */
  String wireAddress() {
    return namespaces ? "10.77.1.1" : "127.0.0.1";
  }

  /** Where a program runs. */
  enum Host {
    CLIENT(LinkHosts.CLIENT),
    WIRE(LinkHosts.WIRE),
    SERVER(LinkHosts.SERVER);

    private final String namespace;

    Host(String namespace) {
      this.namespace = namespace;
    }
  }

  /**
   * Starts a program whose error output is this process's.
   *
   * @param limited to a quarter of a processor
   */
  Process start(Host host, boolean limited, List<String> command) throws IOException {
    List<String> words = new ArrayList<>();
    if (limited) {
      Path group = group(host.namespace);
      words.addAll(
          List.of("sh", "-c", "echo $$ > " + group.resolve("cgroup.procs") + " && exec \"$@\""));
      words.add("sh");
    }
    if (namespaces) {
      words.addAll(List.of("ip", "netns", "exec", host.namespace));
    }
    words.addAll(command);
    Process process =
        new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    started.add(process);
    return process;
  }

  /** The first line that a program prints. */
  static String firstLine(Process process) throws IOException {
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    if (line == null) {
      throw new IOException("a program ended before it was ready");
    }
    return line;
  }

  private static Path group(String name) throws IOException {
    boolean first = Files.exists(GROUPS_1.resolve("cpu.cfs_quota_us"));
    first |= Files.exists(GROUPS_1.resolve("cpu.cfs_period_us"));
    Path group = (first ? GROUPS_1 : GROUPS_2).resolve(name);
    Files.createDirectories(group);
    if (first) {
      Files.writeString(group.resolve("cpu.cfs_period_us"), "" + PERIOD_MICROS);
      Files.writeString(group.resolve("cpu.cfs_quota_us"), "" + QUOTA_MICROS);
    } else {
      Files.writeString(group.resolve("cpu.max"), QUOTA_MICROS + " " + PERIOD_MICROS);
    }
    return group;
  }

  /** Ends a program that was started here. */
  static void stop(Process process) throws IOException {
    process.destroyForcibly();
    int unused = wait(process);
  }

  @Override
  public void close() {
    started.forEach(Process::destroyForcibly);
    try {
      for (Process process : started) {
        int unused = wait(process);
      }
      if (namespaces) {
        removeNamespaces();
      }
      for (Path groups : List.of(GROUPS_1, GROUPS_2)) {
        for (String name : List.of(CLIENT, SERVER)) {
          Files.deleteIfExists(groups.resolve(name));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
