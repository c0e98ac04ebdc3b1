package dev.tandem.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorDataTest {
  private static final int BYTES = 3 << 20;

  private final Path directory;

  TensorDataTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static byte[] bytes() {
    byte[] bytes = new byte[BYTES];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  @Test
  void fileAndMemoryGiveTheSameReadOnlyLittleEndianParts() throws IOException {
    byte[] bytes = bytes();
    Path path = Files.write(directory.resolve("data"), bytes);
    ByteBuffer memory = MemoryRegion.allocate(BYTES);
    memory.put(0, bytes);
    try (TensorFile file = TensorFile.open(path)) {
      TensorData inFile = new FileRegion(file, 0, BYTES).region(5, BYTES - 10).region(2, 2 << 20);
      TensorData inMemory = new MemoryRegion(memory).region(5, BYTES - 10).region(2, 2 << 20);
      ByteBuffer expected = ByteBuffer.wrap(bytes, 7 + 3, (2 << 20) - 3).slice();
      for (TensorData data : new TensorData[] {inFile, inMemory}) {
        ByteBuffer part = data.slice(3, (2 << 20) - 3);
        assertThat(part).isEqualTo(expected);
        assertThat(part.isReadOnly()).isTrue();
        assertThat(part.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
        byte[] copy = new byte[part.remaining()];
        data.read(3, copy);
        assertThat(ByteBuffer.wrap(copy)).isEqualTo(expected);
        assertThatThrownBy(() -> data.read(4, copy)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> data.slice(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> data.slice(2 << 20, 1))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> data.region(1, Long.MAX_VALUE))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }

  @Test
  void aFileThatShrankIsAnErrorAndAClosedOneABug() throws IOException {
    Path path = Files.write(directory.resolve("data"), bytes());
    TensorFile file = TensorFile.open(path);
    TensorData data = new FileRegion(file, 0, BYTES);
    try (RandomAccessFile shrink = new RandomAccessFile(path.toFile(), "rw")) {
      shrink.setLength(BYTES / 2);
    }
    assertThat(data.slice(0, 16).remaining()).isEqualTo(16);
    assertThatThrownBy(() -> data.slice(BYTES - 16, 16))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("shorter than when it was opened");
    file.close();
    file.close();
    assertThatThrownBy(() -> data.slice(0, 16)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anInterruptDoesNotCloseTheFile() throws IOException {
    Path path = Files.write(directory.resolve("data"), bytes());
    try (TensorFile file = TensorFile.open(path)) {
      TensorData data = new FileRegion(file, 0, BYTES);
      Thread.currentThread().interrupt();
      assertThat(data.slice(0, 16).remaining()).isEqualTo(16);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void onlyRegularFilesOpen() {
    assertThatThrownBy(() -> TensorFile.open(directory))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not a regular file");
    assertThatThrownBy(() -> TensorFile.open(directory.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aTensorsShapeMatchesItsBytes() {
    MemoryRegion data = new MemoryRegion(MemoryRegion.allocate(24));
    assertThat(new Tensor("t", DType.F32, 2, 3, false, data).elements()).isEqualTo(6);
    assertThatThrownBy(() -> new Tensor("t", DType.F16, 2, 3, false, data))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Tensor("t", DType.F32, -2, -3, false, data))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Tensor("t", DType.F32, 1L << 40, 1L << 40, false, data))
        .isInstanceOf(ArithmeticException.class);
  }
}
