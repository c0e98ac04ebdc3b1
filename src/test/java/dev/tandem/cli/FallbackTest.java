package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the native libraries cannot be loaded, plain Java computes, and says so. */
@Tag("slow")
class FallbackTest {
  /** Where an ELF file has the low byte of the number of its processor. */
  private static final int ELF_MACHINE = 18;

  private static final String WARNING = "computing in plain Java";

  @TempDir private Path folder;

  /** A process whose native libraries cannot be loaded. */
  private record Broken(String name, List<String> javaOptions, String classPath, String reason) {}

  private List<Broken> broken() throws IOException {
    String classPath = System.getProperty("java.class.path");
    String directory = "dev/tandem/engine/" + Loader.getPlatform();
    Path libraries = Files.createDirectories(folder.resolve(directory));
    Files.writeString(libraries.resolve("libraries.txt"), "broken\n");
    String library = "libjnitandem.so";
    byte[] content;
    try (InputStream in =
        Objects.requireNonNull(
            getClass().getClassLoader().getResourceAsStream(directory + "/" + library))) {
      content = in.readAllBytes();
    }
    content[ELF_MACHINE] ^= 1; // some other processor's
    Files.write(libraries.resolve(library), content);
    return List.of(
        new Broken(
            "another platform",
            List.of("-Dorg.bytedeco.javacpp.platform=plan9-mips64"),
            classPath,
            "no native libraries for plan9-mips64"),
        new Broken(
            "a library of another processor",
            List.of("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache")),
            folder + System.getProperty("path.separator") + classPath,
            "jnitandem"));
  }

  private CommandRun run(Broken broken, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(JavaHomes.program(JavaHomes.running()).toString());
    command.addAll(JarProcess.FAST_START);
    command.addAll(broken.javaOptions());
    command.addAll(List.of("-cp", broken.classPath(), "dev.tandem.cli.Main"));
    command.addAll(List.of(args));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    int code =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start()
            .waitFor();
    return new CommandRun(code, Files.readString(out), Files.readString(err));
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
  void whoAsksForJavaIsNotWarned() throws Exception {
    for (Broken broken : broken()) {
      run(broken, "generate", "--backend", "java", "-t", "0", "-n", "2", "ROMEO:").result();
    }
  }

  @Test
  void whoAsksForNativeCodeIsToldWhyThereIsNone() throws Exception {
    for (Broken broken : broken()) {
      for (String backend : List.of("fast", "naive")) {
        run(broken, "generate", "--backend", backend, "-n", "2", "ROMEO:")
            .assertFails(Cli.FAILURE, broken.reason());
      }
    }
  }

  /** The test itself: with the libraries there is no warning. */
  @Test
  void withTheLibrariesThereIsNoWarning() throws Exception {
    Broken whole = new Broken("", List.of(), System.getProperty("java.class.path"), "");
    String text = run(whole, "generate", "-t", "0", "-n", "12", "ROMEO:").result();
    assertThat(text).startsWith("ROMEO:");
  }
}
