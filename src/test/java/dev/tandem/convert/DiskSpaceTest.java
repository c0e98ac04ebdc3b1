package dev.tandem.convert;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.convert.DiskSpace.Need;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class DiskSpaceTest {
  private static Need need(String out, long bytes, String store, long usableBytes) {
    return new Need(Path.of(out), bytes, store, usableBytes);
  }

  @Test
  void outputsOnOneDiskAddUp() {
    Need client = need("client.gguf", 60, "disk", 100);
    assertThatCode(() -> DiskSpace.check(List.of(client))).doesNotThrowAnyException();
    assertThatCode(() -> DiskSpace.check(List.of(client, need("server.gguf", 40, "disk", 100))))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> DiskSpace.check(List.of(client, need("server.gguf", 41, "disk", 100))))
        .isInstanceOf(IOException.class)
        .hasMessage("client.gguf and server.gguf: the disk has 100 B left, and 101 B are needed");
  }

  @Test
  void eachDiskCountsForItself() {
    Need client = need("client.gguf", 60, "disk", 100);
    assertThatCode(() -> DiskSpace.check(List.of(client, need("server.gguf", 60, "other", 70))))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> DiskSpace.check(List.of(client, need("server.gguf", 71, "other", 70))))
        .hasMessageStartingWith("server.gguf: the disk has 70 B left");
  }
}
