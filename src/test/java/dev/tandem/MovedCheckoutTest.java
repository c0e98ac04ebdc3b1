package dev.tandem;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A checkout that is moved with what was built in it: CMake's folder is emptied, because CMake
 * refuses to use it in another place, and the scripts see that the jars were built elsewhere. The
 * scripts are for bash, and nothing is built on Windows.
 */
@DisabledOnOs(OS.WINDOWS)
class MovedCheckoutTest {
  private static final Path SCRIPTS = Path.of("scripts").toAbsolutePath();

  @TempDir private Path folder;
  private Path checkout;

  /** A small project with CMake's cache in {@code target/native}. */
  @BeforeEach
  void build() throws Exception {
    checkout = Files.createDirectory(folder.toRealPath().resolve("here"));
    Files.writeString(
        checkout.resolve("CMakeLists.txt"),
        "cmake_minimum_required(VERSION 3.21)\nproject(small LANGUAGES NONE)\n");
    configure(checkout).assertSucceeds();
  }

  @Test
  void cmakeRefusesAMovedBuildUntilItIsForgotten() throws Exception {
    Path moved = Files.move(checkout, checkout.resolveSibling("there"));
    assertThat(configure(moved).rc).isNotZero();
    forget(moved);
    assertThat(moved.resolve("target/native")).doesNotExist();
    configure(moved).assertSucceeds();
  }

  @Test
  void aCopyIsForgottenAndItsOriginalIsKept() throws Exception {
    Path copy = checkout.resolveSibling("copy");
    run("cp", "-r", checkout.toString(), copy.toString()).assertSucceeds();
    forget(copy);
    assertThat(copy.resolve("target/native")).doesNotExist();
    assertThat(checkout.resolve("target/native/CMakeCache.txt")).exists();
  }

  @Test
  void aBuildInItsPlaceIsKept() throws Exception {
    forget(checkout);
    Path link = Files.createSymbolicLink(checkout.resolveSibling("link"), checkout);
    forget(link);
    assertThat(checkout.resolve("target/native/CMakeCache.txt")).exists();
    forget(Files.createDirectory(checkout.resolveSibling("unbuilt")));
  }

  @Test
  void theScriptsSeeThatJarsWereBuiltElsewhere() throws Exception {
    Files.writeString(checkout.resolve("target/built"), checkout + "\n");
    assertThat(isMoved(checkout)).isFalse();
    Path moved = Files.move(checkout, checkout.resolveSibling("there"));
    assertThat(isMoved(moved)).isTrue();
  }

  private boolean isMoved(Path root) throws Exception {
    String script =
        "set -euo pipefail; root=$1; . \"$2/toolchain.sh\"; if is_moved; then echo moved; fi";
    Outcome outcome = run("bash", "-c", script, "bash", root.toString(), SCRIPTS.toString());
    outcome.assertSucceeds();
    return outcome.output.equals("moved\n");
  }

  private void forget(Path root) throws Exception {
    run(
            "cmake",
            "-DSOURCE_DIR=" + root,
            "-DBUILD_DIR=" + root.resolve("target/native"),
            "-P",
            SCRIPTS.resolve("forget-moved-build.cmake").toString())
        .assertSucceeds();
  }

  private Outcome configure(Path root) throws Exception {
    return run("cmake", "-S", root.toString(), "-B", root.resolve("target/native").toString());
  }

  private Outcome run(String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile(folder, "output", ".txt");
    Process process =
        new ProcessBuilder(List.of(command))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Outcome(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
  }

  private record Outcome(int rc, String output) {
    void assertSucceeds() {
      assertThat(rc).as("%s", output).isZero();
    }
  }
}
