package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.JarProcess.Start;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.hub.FakeHub;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code java -jar tandem.jar pull}, and Ctrl-C. */
class PullIT {
  private static final int BYTES = 12_000_000;

  @TempDir private Path folder;

  private Start pull(FakeHub hub) {
    return new Start(JarProcess.TANDEM)
        .environment("HF_ENDPOINT", hub.endpoint())
        .environment("TANDEM_CACHE", folder.toString());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void afterCtrlCItGoesOnWhereItStopped() throws Exception {
    byte[] weights = new byte[BYTES];
    new Random(1).nextBytes(weights);
    try (FakeHub hub = new FakeHub()) {
      hub.put("a/b", Map.of("config.json", new byte[0], "model.safetensors", weights));
      hub.pause(1);
      try (JarProcess process = pull(hub).start("pull", "a/b")) {
        while (hub.served() < BYTES / 2) {
          Thread.sleep(1);
        }
        process.signal("INT");
        process.finish().assertFails(Cli.INTERRUPTED, "interrupted", "the same command continues");
      }
      hub.pause(0);
      hub.forgetRequests();
      try (JarProcess process = pull(hub).start("pull", "a/b")) {
        Path place = Path.of(process.finish().result().strip());
        assertThat(Files.readAllBytes(place.resolve("model.safetensors"))).isEqualTo(weights);
      }
      assertThat(hub.served()).isLessThan(BYTES * 3L / 4);
    }
  }
}
