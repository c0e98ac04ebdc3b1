package dev.tandem.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The decoder against one that reads bit by bit, and against blocks computed by hand. */
class QuantizedBlocksTest {
  private static final long SEED = 1717;
  private static final int BLOCKS = 2000;

  static List<DType> types() {
    return BlockReference.TYPES;
  }

  private static float[] decode(DType dtype, byte[] blocks) {
    int count = blocks.length / dtype.blockBytes() * dtype.blockElements();
    float[] values = new float[count];
    ByteBuffer stored = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
    QuantizedBlocks.decode(dtype, stored, count, values, 0);
    return values;
  }

  /** Where two lists differ as numbers, so that -0 is 0 and NaN is never right; -1 if nowhere. */
  private static int firstDifference(float[] expected, float[] actual) {
    assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < expected.length; i++) {
      if (!(actual[i] == expected[i])) {
        return i;
      }
    }
    return -1;
  }

  @ParameterizedTest
  @MethodSource("types")
  void randomBlocksOfEveryPattern(DType dtype) {
    byte[] blocks = BlockReference.random(dtype, BLOCKS, 0, new Random(SEED));
    assertThat(firstDifference(BlockReference.decode(dtype, blocks), decode(dtype, blocks)))
        .as("first different element, seed %d", SEED)
        .isEqualTo(-1);
  }

  /** Otherwise the test above would not see a bit that both decoders ignore. */
  @ParameterizedTest
  @MethodSource("types")
  void everyBitCounts(DType dtype) {
    byte[] blocks = BlockReference.random(dtype, 8, 1, new Random(SEED));
    float[] before = decode(dtype, blocks);
    for (int bit = 0; bit < 8 * dtype.blockBytes(); bit++) {
      byte[] changed = blocks.clone();
      for (int block = 0; block < 8; block++) { // in one of them it must matter
        changed[block * dtype.blockBytes() + bit / 8] ^= (byte) (1 << bit % 8);
      }
      assertThat(firstDifference(before, decode(dtype, changed)))
          .as("bit %d", bit)
          .isNotEqualTo(-1);
    }
  }

  /** The file says how each of its values comes about. */
  @Test
  void handComputedBlocks() throws IOException {
    Set<DType> seen = EnumSet.noneOf(DType.class);
    Iterator<String> tokens = handComputed().iterator();
    while (tokens.hasNext()) {
      DType dtype = DType.valueOf(tokens.next());
      ByteArrayOutputStream block = new ByteArrayOutputStream();
      for (String token = tokens.next(); !token.equals("="); token = tokens.next()) {
        repeated(token).forEach(hex -> block.write(Integer.parseInt(hex, 16)));
      }
      List<Float> expected = new ArrayList<>();
      while (expected.size() < dtype.blockElements()) {
        repeated(tokens.next()).forEach(value -> expected.add(Float.parseFloat(value)));
      }
      assertThat(block.size()).as("%s", dtype).isEqualTo(dtype.blockBytes());
      float[] values = new float[expected.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = expected.get(i);
      }
      assertThat(firstDifference(values, decode(dtype, block.toByteArray())))
          .as("%s", dtype)
          .isEqualTo(-1);
      assertThat(firstDifference(values, BlockReference.decode(dtype, block.toByteArray())))
          .as("%s, reference", dtype)
          .isEqualTo(-1);
      seen.add(dtype);
    }
    assertThat(seen).containsExactlyElementsOf(types());
  }

  private static List<String> handComputed() throws IOException {
    String file = "/blocks/hand-computed.txt";
    try (InputStream in = QuantizedBlocksTest.class.getResourceAsStream(file)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .flatMap(line -> Stream.of(line.replaceFirst("#.*", "").trim().split("\\s+")))
          .filter(token -> !token.isEmpty())
          .toList();
    }
  }

  /** {@code AxN} is A, N times. */
  private static List<String> repeated(String token) {
    int times = token.indexOf('x');
    return times < 0
        ? List.of(token)
        : Collections.nCopies(
            Integer.parseInt(token.substring(times + 1)), token.substring(0, times));
  }

  @ParameterizedTest
  @MethodSource("types")
  void aTensorIsReadInWholeBlocksFromAnywhere(DType dtype) throws IOException {
    int cols = 2 * dtype.blockElements();
    byte[] blocks = BlockReference.random(dtype, 6, 1, new Random(SEED));
    ByteBuffer memory = MemoryRegion.allocate(blocks.length).put(blocks);
    Tensor tensor = new Tensor("w", dtype, 3, cols, false, new MemoryRegion(memory));
    float[] expected = BlockReference.decode(dtype, blocks);
    float[] row = new float[cols + 2];
    tensor.read(cols, cols, row, 1);
    for (int i = 0; i < cols; i++) {
      assertThat(row[1 + i] == expected[cols + i]).as("element %d", i).isTrue();
    }
    assertThat(row[0]).isZero();
    assertThat(row[cols + 1]).isZero();

    assertThatThrownBy(() -> tensor.read(1, cols, row, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tensor.read(0, 1, row, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tensor.read(2L * cols, 2 * cols, row, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> new Tensor("w", dtype, 3, cols, true, tensor.data()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
