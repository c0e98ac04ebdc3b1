package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Pulls in processes of their own, which can be killed, run together, and run out of space. */
@Tag("slow")
class PullProcessesTest extends PullFixture {
  private static final int GUARD_SECONDS = 60;
  private static final int BYTES = 3_000_000;

  private static Map<String, byte[]> largeModel() {
    return Map.of("config.json", text("{}"), "model.safetensors", random(BYTES, 30));
  }

  /** A process that pulls; before it go words such as those of a shell that sets limits. */
  private Process start(String... before) throws IOException {
    List<String> command = new ArrayList<>(List.of(before));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-cp",
            System.getProperty("java.class.path"),
            PullMain.class.getName(),
            hub.endpoint(),
            cacheFolder.toString(),
            REPOSITORY));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String finish(Process process, int code) throws Exception {
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isEqualTo(code);
    return output;
  }

  private void awaitServed(long bytes, Process process) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(GUARD_SECONDS);
    while (hub.served() < bytes && process.isAlive() && System.nanoTime() < end) {
      Thread.sleep(1);
    }
    assertThat(hub.served()).isGreaterThanOrEqualTo(bytes);
  }

  @Test
  void twoProcessesDownloadItOnce() throws Exception {
    hub.put(REPOSITORY, largeModel());
    hub.pauseMillis = 2;
    Process first = start();
    Process second = start();
    String place = finish(first, 0);
    assertThat(finish(second, 0)).isEqualTo(place);
    assertThat(hub.served()).isEqualTo(BYTES + 2);
    assertHolds(Path.of(place), largeModel(), "config.json", "model.safetensors");
  }

  /**
   * Again and again: whatever moment it is killed at, the next one goes on and the end is right.
   */
  @Test
  void aKilledProcessLosesLittle() throws Exception {
    hub.put(REPOSITORY, largeModel());
    hub.pauseMillis = 2;
    long before = 0;
    for (int kills = 1; kills <= 3; kills++) {
      Process process = start();
      awaitServed(kills * BYTES / 4, process);
      process.destroyForcibly().waitFor();
      assertThat(cache.find(REPOSITORY)).as("complete or absent").isEmpty();
      assertThat(cache.list()).isEmpty();
      before = hub.served();
    }
    assertThat(before).isLessThan(BYTES);
    Thread.sleep(50); // requests that were open when it was killed
    hub.forgetRequests();
    hub.pauseMillis = 0;
    String place = finish(start(), 0);
    assertHolds(Path.of(place), largeModel(), "config.json", "model.safetensors");
    // Each kill costs at most a part per connection, and what the sockets held.
    assertThat(hub.served()).isLessThan(BYTES * 6L / 10);
    assertThat(hub.fileRequests()).noneMatch(request -> request.path().endsWith("config.json"));
  }

  /**
   * The kernel refuses to write beyond a limit, as it does on a full disk (with another code, EFBIG
   * instead of ENOSPC), but for any user and anywhere.
   */
  @Test
  @EnabledOnOs(OS.LINUX)
  void whereWritingFailsWhatIsThereIsKept() throws Exception {
    hub.put(REPOSITORY, largeModel());
    String output = finish(start("bash", "-c", "ulimit -f 1500; exec \"$@\"", "bash"), 1);
    assertThat(output.lines()).hasSize(1);
    assertThat(output)
        .contains(
            "cannot write",
            "model.safetensors",
            "free there",
            "TANDEM_CACHE",
            "same command continues");
    assertThat(cache.find(REPOSITORY)).isEmpty();
    assertNothingElseIsLeft();
    hub.forgetRequests();
    String place = finish(start(), 0);
    assertHolds(Path.of(place), largeModel(), "config.json", "model.safetensors");
    assertThat(hub.served()).isBetween(BYTES / 3L, BYTES * 7L / 10);
  }

  private void assertNothingElseIsLeft() throws IOException {
    try (Stream<Path> files = Files.walk(cacheFolder)) {
      assertThat(files.filter(Files::isRegularFile).map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "lock", "config.json", "model.safetensors", "model.safetensors.parts");
    }
  }
}
