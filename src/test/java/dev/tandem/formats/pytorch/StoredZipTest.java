package dev.tandem.formats.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoredZipTest {
  private static final byte[] HELLO = "Hello".getBytes(StandardCharsets.US_ASCII);

  private final Path directory;
  private final Path file;

  StoredZipTest(@TempDir Path directory) {
    this.directory = directory;
    file = directory.resolve("a.pt");
  }

  private byte[] read(String name, int bytes) throws IOException {
    try (OpenFile open = new Folder.Directory(directory).open("a.pt")) {
      TensorData data = new StoredZip("a.pt", open.data()).data(name);
      assertThat(data.bytes()).isEqualTo(bytes);
      byte[] content = new byte[bytes];
      data.slice(0, bytes).get(content);
      return content;
    }
  }

  private void assertMalformed(String... parts) {
    assertThatThrownBy(() -> read("x/hello", HELLO.length))
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts);
  }

  private void write(boolean zip64, boolean streamed) throws IOException {
    try (ZipWriter zip = new ZipWriter(file, zip64, streamed)) {
      zip.add("x/empty", new byte[0]);
      zip.add("x/hello", HELLO);
    }
  }

  /** Changes the file's bytes; little-endian. */
  private interface Damage {
    void on(ByteBuffer bytes);
  }

  private void damage(Damage damage) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    damage.on(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    Files.write(file, bytes);
  }

  private static int indexOf(ByteBuffer bytes, int magic, int nth) {
    int seen = 0;
    for (int i = 0; i + 4 <= bytes.limit(); i++) {
      if (bytes.getInt(i) == magic && seen++ == nth) {
        return i;
      }
    }
    throw new AssertionError("no " + Integer.toHexString(magic));
  }

  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true", "false, false"})
  void entriesReadBack(boolean zip64, boolean streamed) throws IOException {
    write(zip64, streamed);
    assertThat(read("x/hello", 5)).isEqualTo(HELLO);
    assertThat(read("x/empty", 0)).isEmpty();
    // a comment may follow, and may look like an end record
    byte[] bytes = Files.readAllBytes(file);
    byte[] longer = Arrays.copyOf(bytes, bytes.length + 30);
    ByteBuffer comment = ByteBuffer.wrap(longer).order(ByteOrder.LITTLE_ENDIAN);
    comment.putShort(bytes.length - 2, (short) 30).putInt(bytes.length + 3, 0x06054b50);
    Files.write(file, longer);
    assertThat(read("x/hello", 5)).isEqualTo(HELLO);
  }

  @Test
  void entriesBeyond4GiBReadBack() throws IOException {
    try (ZipWriter zip = new ZipWriter(file, true, true)) {
      zip.addHole("x/hole", 5L << 30);
      zip.add("x/hello", HELLO);
    }
    assertThat(read("x/hello", 5)).isEqualTo(HELLO);
    try (OpenFile open = new Folder.Directory(directory).open("a.pt")) {
      TensorData hole = new StoredZip("a.pt", open.data()).data("x/hole");
      assertThat(hole.bytes()).isEqualTo(5L << 30);
      assertThat(hole.slice((5L << 30) - 4, 4).getInt()).isZero();
    }
  }

  @Test
  void archivesOfTheJdkReadBackUnlessTheyAreCompressed() throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      ZipEntry stored = new ZipEntry("x/hello");
      stored.setMethod(ZipEntry.STORED);
      stored.setSize(HELLO.length);
      stored.setCrc(0xf7d18982L);
      zip.putNextEntry(stored);
      zip.write(HELLO);
      zip.putNextEntry(new ZipEntry("x/compressed"));
      zip.write(new byte[1000]);
    }
    assertThat(read("x/hello", 5)).isEqualTo(HELLO);
    assertThatThrownBy(() -> read("x/compressed", 1000))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("x/compressed", "zip -0", "torch.save", "a compressed one");
    assertThatThrownBy(() -> read("x/none", 1000))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("a.pt: x/none: expected an entry of the archive, got none");
  }

  @Test
  void directoryAndHeadersAreCheckedAgainstTheFile() throws IOException {
    int central = 0x02014b50;
    Damage[] damages = {
      b -> b.putInt(indexOf(b, central, 0), 7),
      b -> b.putInt(indexOf(b, central, 1) + 42, b.limit()), // header beyond the end
      b -> b.putInt(indexOf(b, central, 1) + 42, 0), // another entry's header
      b -> b.putInt(indexOf(b, central, 1) + 20, 1000).putInt(indexOf(b, central, 1) + 24, 1000),
      b -> b.putInt(indexOf(b, central, 1) + 20, 4), // compressed size only
      b -> b.putShort(indexOf(b, central, 1) + 10, (short) 8), // deflated
      b -> b.putShort(indexOf(b, central, 1) + 8, (short) 1), // encrypted
      b -> b.putShort(indexOf(b, central, 1) + 28, (short) 9999), // name beyond the end
      b -> b.put(indexOf(b, central, 0) + 46 + 3, "llo  ".getBytes(StandardCharsets.US_ASCII)),
      b -> b.putInt(indexOf(b, StoredZip.MAGIC, 1), 0),
      b -> b.putShort(indexOf(b, StoredZip.MAGIC, 1) + 28, (short) 9999),
      b -> b.putInt(indexOf(b, 0x06054b50, 0) + 16, b.limit()),
      b -> b.putInt(indexOf(b, 0x06054b50, 0) + 12, 0x7fffffff),
      b -> b.putShort(indexOf(b, 0x06054b50, 0) + 10, (short) 3),
      b -> b.putShort(indexOf(b, 0x06054b50, 0) + 10, (short) 1),
      b -> b.putInt(indexOf(b, 0x06054b50, 0), 0)
    };
    for (Damage damage : damages) {
      write(false, true);
      damage(damage);
      assertMalformed("a.pt: ", "expected");
    }
  }

  @Test
  void zip64RecordsAreChecked() throws IOException {
    int end64 = 0x06064b50;
    Damage[] damages = {
      b -> b.putLong(indexOf(b, 0x07064b50, 0) + 8, -1),
      b -> b.putLong(indexOf(b, 0x07064b50, 0) + 8, 3),
      b -> b.putLong(indexOf(b, end64, 0) + 48, Long.MAX_VALUE),
      b -> b.putLong(indexOf(b, end64, 0) + 40, Long.MAX_VALUE),
      b -> b.putLong(indexOf(b, end64, 0) + 32, -1),
      b -> b.putLong(indexOf(b, end64, 0) + 32, 1L << 40),
      b -> b.putLong(indexOf(b, 0x02014b50, 1) + 46 + 7 + 4, -5),
      b -> b.putLong(indexOf(b, 0x02014b50, 1) + 46 + 7 + 20, Long.MAX_VALUE),
      b -> b.putShort(indexOf(b, 0x02014b50, 1) + 46 + 7 + 2, (short) 8)
    };
    for (Damage damage : damages) {
      write(true, true);
      damage(damage);
      assertMalformed("a.pt: ", "expected");
    }
  }

  @Test
  void namesOccurOnce() throws IOException {
    try (ZipWriter zip = new ZipWriter(file, false, true)) {
      zip.add("x/hello", HELLO);
      zip.add("x/hello", HELLO);
    }
    assertMalformed("x/hello: expected one such entry, got two");
  }

  @Test
  void filesThatAreCutOffSaySo() throws IOException {
    write(true, true);
    byte[] bytes = Files.readAllBytes(file);
    for (int n : new int[] {0, 4, 21, bytes.length - 1}) {
      Files.write(file, Arrays.copyOf(bytes, n));
      assertMalformed("end of the archive", "is it cut off?");
    }
  }
}
