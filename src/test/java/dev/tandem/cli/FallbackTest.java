package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the native libraries cannot be loaded, plain Java computes, and says so. */
@Tag("slow")
class FallbackTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");

  /** Where an ELF file has the low byte of the number of its processor. */
  private static final int ELF_MACHINE = 18;

  private static final String LIBRARIES = "dev/tandem/engine/" + Loader.getPlatform();
  private static final String LIBRARY = "libjnitandem.so";
  private static final String WARNING = "computing in plain Java";

  @TempDir private Path folder;

  /** A process whose native libraries cannot be loaded. */
  private record Broken(
      String name,
      List<String> before,
      List<String> javaOptions,
      String classPath,
      String reason) {}

  private List<Broken> broken() throws IOException {
    String classPath = System.getProperty("java.class.path");
    String separator = System.getProperty("path.separator");
    byte[] foreign = library();
    foreign[ELF_MACHINE] ^= 1; // some other processor's
    Path other = Files.createDirectories(folder.resolve("other").resolve(LIBRARIES));
    Files.writeString(other.resolve("libraries.txt"), "broken\n");
    Files.write(other.resolve(LIBRARY), foreign);
    List<Broken> all = new ArrayList<>();
    all.add(
        new Broken(
            "another platform",
            List.of(),
            List.of("-Dorg.bytedeco.javacpp.platform=plan9-mips64"),
            classPath,
            "no native libraries for plan9-mips64"));
    all.add(
        new Broken(
            "a library of another processor",
            List.of(),
            List.of("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache")),
            folder.resolve("other") + separator + classPath,
            LIBRARY + ": "));
    if (canMount()) {
      Path cache = Files.createDirectories(folder.resolve("no exec"));
      all.add(
          new Broken(
              "a folder that is mounted noexec",
              mounted(cache),
              List.of("-Dorg.bytedeco.javacpp.cachedir=" + cache),
              packed() + separator + classPath,
              cache + " is mounted noexec"));
      all.add(
          new Broken(
              "a temporary folder that is mounted noexec",
              mounted(cache),
              List.of("-Duser.home=/proc/none", "-Djava.io.tmpdir=" + cache),
              packed() + separator + classPath,
              "-Dorg.bytedeco.javacpp.cachedir=FOLDER"));
    }
    return all;
  }

  private static byte[] library() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            FallbackTest.class.getClassLoader().getResourceAsStream(LIBRARIES + "/" + LIBRARY))) {
      return in.readAllBytes();
    }
  }

  /** A jar with the library, because only what comes from a jar is unpacked. */
  private Path packed() throws IOException {
    Path jar = folder.resolve("libraries.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry(LIBRARIES + "/libraries.txt"));
      out.write(("packed\n" + LIBRARY + "\n").getBytes(StandardCharsets.UTF_8));
      out.putNextEntry(new JarEntry(LIBRARIES + "/" + LIBRARY));
      out.write(library());
    }
    return jar;
  }

  /** Runs what follows where a folder is mounted noexec, for that process alone. */
  private static List<String> mounted(Path at) {
    return List.of(
        "unshare",
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        "at=\"$1\"; shift; mount -t tmpfs -o noexec tmpfs \"$at\" && exec \"$@\"",
        "sh",
        at.toString());
  }

  /** Whether this machine lets us; where it does not, MountsTest still reads tables of mounts. */
  private boolean canMount() throws IOException {
    List<String> command = new ArrayList<>(mounted(Files.createDirectories(folder.resolve("mnt"))));
    command.add("true");
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false; // no unshare
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private CommandRun run(Broken broken, String... args) throws IOException, InterruptedException {
    return new ClassPathProcess(folder)
        .before(broken.before())
        .javaOptions(broken.javaOptions())
        .classPath(broken.classPath())
        .run(args);
  }

  @Test
  void plainJavaComputesWithOneLineOfWarning() throws Exception {
    String expected =
        CommandRun.tandem("generate", "--backend", "java", "-t", "0", "-n", "12", "ROMEO:")
            .result();
    for (Broken broken : broken()) {
      CommandRun run = run(broken, "generate", "-t", "0", "-n", "12", "ROMEO:");
      assertThat(run.code()).as("%s: %s", broken.name(), run.err()).isZero();
      assertThat(run.out()).as(broken.name()).isEqualTo(expected);
      assertThat(run.err().lines()).as(broken.name()).hasSize(1);
      assertThat(run.err()).contains(broken.reason(), WARNING);
    }
  }

  @Test
  void plainJavaIsRefusedWhereBitsCount() throws Exception {
    CommandRun refused =
        CommandRun.tandem("generate", "--backend", "java", "--strict", "-n", "2", "ROMEO:");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("bits of the whole model", "leave out --strict");
    assertThat(CommandRun.tandem("generate", "--strict", "-n", "2", "ROMEO:").code()).isZero();
  }

  @Test
  void whoAsksForJavaIsNotWarned() throws Exception {
    for (Broken broken : broken()) {
      run(broken, "generate", "--backend", "java", "-t", "0", "-n", "2", "ROMEO:").result();
    }
  }

  /** In a short run the backends take turns. */
  @Test
  void whoAsksForNativeCodeIsToldWhyThereIsNone() throws Exception {
    int turn = 0;
    for (Broken broken : broken()) {
      List<String> backends = List.of("fast", "naive");
      int chosen = turn++ % backends.size();
      for (String backend : LONG ? backends : backends.subList(chosen, chosen + 1)) {
        run(broken, "generate", "--backend", backend, "-n", "2", "ROMEO:")
            .assertFails(Cli.FAILURE, broken.reason());
      }
    }
  }

  /** The test itself: with the libraries there is no warning. */
  @Test
  void withTheLibrariesThereIsNoWarning() throws Exception {
    Broken whole = new Broken("", List.of(), List.of(), System.getProperty("java.class.path"), "");
    String text = run(whole, "generate", "-t", "0", "-n", "12", "ROMEO:").result();
    assertThat(text).startsWith("ROMEO:");
  }
}
