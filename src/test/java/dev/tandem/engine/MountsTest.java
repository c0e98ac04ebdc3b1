package dev.tandem.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MountsTest {
  private static final List<String> TABLE =
      List.of(
          "1 0 0:1 / / rw,relatime - ext4 /dev/sda rw",
          "2 1 0:2 / /tmp rw,nosuid,noexec,relatime shared:1 - tmpfs tmpfs rw",
          "3 2 0:3 / /tmp/run rw - tmpfs tmpfs rw",
          "4 1 0:4 / /home rw,noexec - ext4 /dev/sdb rw",
          "5 1 0:5 / /home rw - ext4 /dev/sdc rw",
          "6 1 0:6 / /mnt/a\\040b\\134c ro,noexec - ext4 /dev/sdd rw",
          "7 1 0:7 / /noexec rw - tmpfs noexec rw,noexec",
          "",
          "odd");

  @ParameterizedTest
  @CsvSource({
    "/, false",
    "/usr/lib, false",
    "/tmp, true",
    "/tmp/x/y, true",
    "/tmpx, false",
    "/tmp/run/x, false",
    "/home/me, false",
    "/mnt/a b\\c/d, true",
    "/mnt/a, false",
    "/noexec/x, false"
  })
  void theDeepestMountDecides(String folder, boolean noExec) {
    assertThat(Mounts.isNoExec(Path.of(folder), TABLE)).isEqualTo(noExec);
  }

  /** This machine's own table can be read; the root can be run from, or Java would not run. */
  @Test
  void thisMachine() {
    assertThat(Mounts.isNoExec(Path.of(System.getProperty("java.home")))).isFalse();
    assertThat(Mounts.isNoExec(Path.of(System.getProperty("java.home"), "no", "such"))).isFalse();
  }
}
