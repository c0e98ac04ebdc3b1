package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.JarProcess.Start;
import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each jar alone in an empty folder, with every Java installation here. */
@Timeout(600)
class StandaloneJarsIT {
  static final List<Path> JAVA_HOMES = JavaHomes.all();

  private static String expected;

  @TempDir private Path folder;
  private int folders;

  /** A home that cannot be written, and the words before a command that make it so. */
  record Home(String name, Path home, List<String> before) {
    @Override
    public String toString() {
      return name;
    }
  }

  @BeforeAll
  static void expect() {
    expected = CommandRun.tandem("generate", "-t", "0", "-n", "12", "ROMEO:").result();
  }

  /** An empty folder that every user may enter. */
  private Path newFolder() throws IOException {
    Path made = Files.createDirectory(folder.resolve("f" + folders++));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    return Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwxrwxrwx"));
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  /** A jar in an otherwise empty folder, and a folder for temporary files. */
  private final class Alone {
    private final Path work = newFolder();
    private final Path temporary = newFolder();
    private final String jar;

    Alone(String jar) throws IOException {
      this.jar = jar;
      Files.copy(JarProcess.jar(jar), work.resolve(jar));
    }

    Start start(Path javaHome, Home home) {
      return Start.ofFile(work.resolve(jar))
          .java(javaHome)
          .javaOptions("-Duser.home=" + home.home(), "-Djava.io.tmpdir=" + temporary)
          .environment("HOME", home.home().toString())
          .environment("XDG_CACHE_HOME", "")
          .before(home.before())
          .in(work);
    }

    void assertNothingLeftBehind() throws IOException {
      assertThat(names(work)).containsExactly(jar);
      assertThat(names(temporary)).isEmpty();
    }
  }

  private static boolean works(String... command) {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException | InterruptedException e) {
      return false; // no such program
    }
  }

  /** As many kinds as this machine and this user can have; the first one always. */
  private List<Home> unwritableHomes() throws IOException {
    List<Home> homes = new ArrayList<>();
    Path file = Files.writeString(newFolder().resolve("file"), "");
    homes.add(new Home("below a file", file.resolve("home"), List.of()));
    if (works("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true")) {
      Path home = newFolder();
      Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("r-xr-xr-x"));
      homes.add(
          new Home(
              "of another user",
              home,
              List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")));
    }
    if (works("unshare", "--mount", "mount", "--bind", "/tmp", "/tmp")) {
      Path home = newFolder();
      String mount = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"";
      homes.add(
          new Home(
              "on a read-only file system",
              home,
              List.of("unshare", "--mount", "sh", "-c", mount, home.toString())));
    }
    return homes;
  }

  /** In a short run all of them only for the Java that runs the tests. */
  private List<Home> homesFor(Path javaHome) throws IOException {
    List<Home> homes = unwritableHomes();
    boolean all = Boolean.getBoolean("tandem.long") || javaHome.equals(JavaHomes.running());
    return homes.subList(0, all ? homes.size() : 1);
  }

  @ParameterizedTest
  @FieldSource("JAVA_HOMES")
  void theWholeProgramNeedsNothingElse(Path javaHome) throws Exception {
    for (Home home : homesFor(javaHome)) {
      Alone alone = new Alone(JarProcess.TANDEM);
      try (JarProcess process =
          alone.start(javaHome, home).start("generate", "-t", "0", "-n", "12", "ROMEO:")) {
        assertThat(process.finish().result()).as("home %s", home).isEqualTo(expected);
      }
      alone.assertNothingLeftBehind();
    }
  }

  @ParameterizedTest
  @FieldSource("JAVA_HOMES")
  void serverAndClientNeedNothingElse(Path javaHome) throws Exception {
    for (Home home : homesFor(javaHome)) {
      Alone serverAlone = new Alone(JarProcess.SERVER);
      Alone clientAlone = new Alone(JarProcess.CLIENT);
      try (JarProcess server = serverAlone.start(javaHome, home).start("-o", "0")) {
        int port = server.awaitPort();
        try (JarProcess client =
            clientAlone
                .start(javaHome, home)
                .start("-o", "" + port, "--split", "2", "-t", "0", "-n", "12", "ROMEO:")) {
          assertThat(client.finish().result()).as("home %s", home).isEqualTo(expected);
        }
        server.signal("TERM");
        CommandRun run = server.finish();
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).hasLineCount(1);
      }
      serverAlone.assertNothingLeftBehind();
      clientAlone.assertNothingLeftBehind();
    }
  }

  /** Its part of the server's model is downloaded once, into its home. */
  @ParameterizedTest
  @FieldSource("JAVA_HOMES")
  void aClientNeedsNoFiles(Path javaHome) throws Exception {
    String whole =
        CommandRun.tandem(
                "generate", "-c", "stories260K", "--type", "f16", "-t", "0", "-n", "12", "Once")
            .result();
    Home empty = new Home("empty", newFolder(), List.of());
    Alone serverAlone = new Alone(JarProcess.SERVER);
    Alone clientAlone = new Alone(JarProcess.CLIENT);
    try (JarProcess server =
        serverAlone.start(javaHome, empty).start("-o", "0", "-c", "stories260K", "--type", "f16")) {
      String url = "ws://127.0.0.1:" + server.awaitPort();
      for (int i = 0; i < 2; i++) {
        try (JarProcess client =
            clientAlone
                .start(javaHome, empty)
                .start("--server", url, "-t", "0", "-n", "12", "Once")) {
          assertThat(client.finish().result()).isEqualTo(whole);
        }
        assertThat(parts(empty)).hasSize(1);
      }
    }
    clientAlone.assertNothingLeftBehind();
  }

  private static List<Path> parts(Home home) throws IOException {
    try (Stream<Path> files = Files.walk(home.home().resolve(".cache/tandem/parts"))) {
      return files.filter(file -> file.toString().endsWith(".gguf")).toList();
    }
  }

  /** Both unpack the same libraries into the same empty cache. */
  @ParameterizedTest
  @FieldSource("JAVA_HOMES")
  void twoMayStartAtOnceWithAnEmptyCache(Path javaHome) throws Exception {
    Home shared = new Home("shared", newFolder(), List.of());
    Alone alone = new Alone(JarProcess.TANDEM);
    String[] args = {"generate", "-t", "0", "-n", "12", "ROMEO:"};
    try (JarProcess first = alone.start(javaHome, shared).start(args);
        JarProcess second = alone.start(javaHome, shared).start(args)) {
      assertThat(first.finish().result()).isEqualTo(expected);
      assertThat(second.finish().result()).isEqualTo(expected);
    }
    try (JarProcess third = alone.start(javaHome, shared).start(args)) {
      assertThat(third.finish().result()).isEqualTo(expected);
    }
    alone.assertNothingLeftBehind();
    assertThat(names(shared.home())).isNotEmpty();
  }

  @Test
  void whereNothingCanBeWrittenPlainJavaComputes() throws Exception {
    Path file = Files.writeString(newFolder().resolve("file"), "");
    String[] options = {"-Duser.home=" + file, "-Djava.io.tmpdir=" + file};
    try (JarProcess process =
            new Start(JarProcess.TANDEM).javaOptions(options).start("generate", "hi");
        JarProcess wanted =
            new Start(JarProcess.TANDEM)
                .javaOptions(options)
                .start("generate", "--backend", "fast", "hi")) {
      CommandRun run = ownWords(process.finish());
      assertThat(run.code()).isZero();
      assertThat(run.out()).startsWith("hi");
      assertThat(run.err()).hasLineCount(1).contains("native libraries", "plain Java");
      ownWords(wanted.finish()).assertFails(Cli.FAILURE, "native libraries");
    }
  }

  /** scripts/tandem makes one after each build, so that commands start faster. */
  @Test
  void classDataCanBeArchived() throws Exception {
    Path archive = newFolder().resolve("classes.jsa");
    String[] options = {"-XX:ArchiveClassesAtExit=" + archive, "-XX:ErrorFile=" + archive + ".log"};
    try (JarProcess process =
        new Start(JarProcess.TANDEM).javaOptions(options).start("generate", "-n", "1", "A")) {
      assertThat(process.finish().code()).isZero();
    }
    assertThat(archive).isNotEmptyFile();
  }

  /** Without the line in which newer JDKs themselves complain about the temporary directory. */
  private static CommandRun ownWords(CommandRun run) {
    String err = run.err().replaceFirst("WARNING: java.io.tmpdir directory does not exist\\R", "");
    return new CommandRun(run.code(), run.out(), err);
  }

  static Stream<String> jars() {
    return Stream.of(JarProcess.TANDEM, JarProcess.SERVER, JarProcess.CLIENT);
  }

  @ParameterizedTest
  @MethodSource("jars")
  void helpAndMistakesUseTheJarsOwnName(String jar) throws Exception {
    String name = jar.replace(".jar", "");
    try (JarProcess help = new Start(jar).start("--help");
        JarProcess version = new Start(jar).start("--version");
        JarProcess mistake = new Start(jar).start("--nonsense")) {
      assertThat(help.finish().result()).startsWith("Usage: " + name + " ");
      assertThat(version.finish().result()).matches("tandem \\d\\S+\n");
      mistake.finish().assertFails(Cli.USAGE, name + ": no option --nonsense");
    }
  }
}
