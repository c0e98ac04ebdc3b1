package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.condition.OS;

/** A running {@code java -jar} of one of the packaged jars; closing it kills it. */
final class JarProcess implements AutoCloseable {
  static final String TANDEM = "tandem.jar";
  static final String SERVER = "tandem-server.jar";
  static final String CLIENT = "tandem-client.jar";

  /** In a short run these processes live for a second or two, most of which would go to C2. */
  static final List<String> FAST_START =
      Boolean.getBoolean("tandem.long")
          ? List.of()
          : List.of("-XX:+IgnoreUnrecognizedVMOptions", "-XX:TieredStopAtLevel=1");

  /** A guard against hanging only. */
  private static final int GUARD_SECONDS = 180;

  private final Process process;
  private final Path out;
  private final Path err;

  private JarProcess(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /** The folder of the jars under test. */
  static Path jar(String name) {
    String folder = System.getProperty("jars.dir");
    assertThat(folder).as("-Djars.dir, as mvn verify gives it").isNotNull();
    return Path.of(folder).toAbsolutePath().resolve(name);
  }

  /** How to start a process. */
  static final class Start {
    private final String jar;
    private final List<String> before = new ArrayList<>();
    private final List<String> javaOptions = new ArrayList<>();
    private final Map<String, String> environment = new java.util.HashMap<>();
    private Path javaHome = JavaHomes.running();
    private Path folder = Path.of("").toAbsolutePath();
    private ProcessBuilder.Redirect in =
        ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile());

    Start(String jar) {
      this.jar = jar(jar).toString();
    }

    private Start(Path jar) {
      this.jar = jar.toString();
    }

    /** A jar that lies elsewhere. */
    static Start ofFile(Path jar) {
      return new Start(jar);
    }

    Start java(Path home) {
      javaHome = home;
      return this;
    }

    Start javaOptions(String... options) {
      javaOptions.addAll(List.of(options));
      return this;
    }

    Start environment(String name, String value) {
      environment.put(name, value);
      return this;
    }

    /** Words before the program's name, such as {@code setpriv --reuid=nobody}. */
    Start before(List<String> words) {
      before.addAll(words);
      return this;
    }

    Start in(Path workingFolder) {
      folder = workingFolder;
      return this;
    }

    Start input(Path file) {
      in = ProcessBuilder.Redirect.from(file.toFile());
      return this;
    }

    /** The words of the whole command. */
    List<String> command(String... args) {
      List<String> command = new ArrayList<>(before);
      // A shell that runs this in the background lets it ignore Ctrl-C, and Java leaves it so.
      if (OS.LINUX.isCurrentOs()) {
        command.addAll(List.of("env", "--default-signal=INT,TERM,PIPE"));
      }
      command.add(JavaHomes.program(javaHome).toString());
      command.addAll(FAST_START);
      command.addAll(javaOptions);
      command.addAll(List.of("-jar", jar));
      command.addAll(List.of(args));
      return command;
    }

    JarProcess start(String... args) throws IOException {
      return startCommand(command(args));
    }

    /** Starts a shell script that has the command as its positional parameters. */
    JarProcess startInShell(String script, String... args) throws IOException {
      List<String> shell = new ArrayList<>(List.of("bash", "-c", script, "bash"));
      shell.addAll(command(args));
      return startCommand(shell);
    }

    private JarProcess startCommand(List<String> command) throws IOException {
      Path out = Files.createTempFile("tandem-test-out", "");
      Path err = Files.createTempFile("tandem-test-err", "");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectInput(in)
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().keySet().removeIf(name -> name.startsWith("TANDEM_"));
      builder.environment().remove("JAVA_TOOL_OPTIONS"); // Java would mention it
      builder.environment().remove("JDK_JAVA_OPTIONS");
      builder.environment().putAll(environment);
      return new JarProcess(builder.start(), out, err);
    }
  }

  String out() throws IOException {
    return Files.readString(out);
  }

  long pid() {
    return process.pid();
  }

  /** Waits until that many characters of output are there. */
  String awaitOutput(int length) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(GUARD_SECONDS);
    while (out().length() < length && process.isAlive() && System.nanoTime() < end) {
      Thread.sleep(5);
    }
    String text = out();
    assertThat(text)
        .as("output; error output: %s", Files.readString(err))
        .hasSizeGreaterThanOrEqualTo(length);
    return text;
  }

  /** Waits until a server listens. */
  int awaitPort() throws IOException, InterruptedException {
    String prefix = "listening on ws://127.0.0.1:";
    String line;
    do {
      line = awaitOutput(prefix.length() + 3);
    } while (!line.contains("\n"));
    assertThat(line).startsWith(prefix).endsWith("/v1/split\n");
    return Integer.parseInt(line.substring(prefix.length(), line.indexOf('/', prefix.length())));
  }

  /** Sends a signal by its name, such as INT. */
  void signal(String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, "" + process.pid()).start();
    assertThat(kill.waitFor()).isZero();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Waits for its end. */
  CommandRun finish() throws IOException, InterruptedException {
    return finish(GUARD_SECONDS);
  }

  /** Waits so long for its end. */
  CommandRun finish(int guardSeconds) throws IOException, InterruptedException {
    assertThat(process.waitFor(guardSeconds, TimeUnit.SECONDS)).as("ends").isTrue();
    return new CommandRun(process.exitValue(), out(), Files.readString(err));
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    Files.deleteIfExists(out);
    Files.deleteIfExists(err);
  }
}
