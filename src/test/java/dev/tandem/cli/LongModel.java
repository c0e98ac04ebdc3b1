package dev.tandem.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** stories260K with a context so long that whoever wants to interrupt it finds the time. */
final class LongModel {
  static final int POSITIONS = 100_000;

  private static final Path ORIGINAL = Path.of("weights", "stories260K");
  private static final int MAX_SEQ_OFFSET = 24;
  private static final int ORIGINAL_POSITIONS = 512;

  /** A cosine and a sine for half of a head of 8, which we do not read. */
  private static final int ROTATION_BYTES = 2 * 4 * Float.BYTES;

  private LongModel() {}

  /** Makes it; gives the file's path. */
  static Path create(Path folder) throws IOException {
    byte[] original = Files.readAllBytes(ORIGINAL.resolve("stories260K.bin"));
    byte[] changed =
        Arrays.copyOf(
            original, original.length + (POSITIONS - ORIGINAL_POSITIONS) * ROTATION_BYTES);
    ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(MAX_SEQ_OFFSET, POSITIONS);
    Files.copy(ORIGINAL.resolve("tok512.bin"), folder.resolve("tok512.bin"));
    return Files.write(folder.resolve("long.bin"), changed);
  }
}
