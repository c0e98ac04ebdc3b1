package dev.tandem.formats.dumps;

import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * llama2.c's quantised tensors, converted to f32 when they are read: {@code elements} x i8, then an
 * f32 scale for each group of {@code groupSize} elements; the value is {@code q * scale}, one f32
 * product. No GGUF type holds these values (Q8_0's scales are f16), so the canonical type is F32.
 *
 * @param stored the bytes in the file
 * @param elements a multiple of {@code groupSize}
 * @param groupSize elements that share a scale; groups may cross rows
 */
record Int8Groups(TensorData stored, long elements, int groupSize) implements TensorData.Derived {

  /** The bytes in a file for a number of elements. */
  static long storedBytes(long elements, int groupSize) {
    return Math.addExact(elements, Math.multiplyExact(elements / groupSize, Float.BYTES));
  }

  @Override
  public long bytes() {
    return elements * Float.BYTES;
  }

  @Override
  public ByteBuffer slice(long offset, int length) throws IOException {
    TensorData.checkRange(offset, length, bytes());
    long first = offset / Float.BYTES;
    int count = (int) ((offset + length + Float.BYTES - 1) / Float.BYTES - first);
    if (count == 0) {
      return ByteBuffer.allocate(0).order(ByteOrder.LITTLE_ENDIAN);
    }
    long firstGroup = first / groupSize;
    int groups = (int) ((first + count - 1) / groupSize - firstGroup + 1);
    ByteBuffer quants = stored.slice(first, count);
    ByteBuffer scales =
        stored.slice(elements + firstGroup * Float.BYTES, Math.multiplyExact(groups, Float.BYTES));
    ByteBuffer values =
        ByteBuffer.allocate(Math.multiplyExact(count, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      int group = (int) ((first + i) / groupSize - firstGroup);
      values.putFloat(quants.get(i) * scales.getFloat(group * Float.BYTES));
    }
    int begin = (int) (offset - first * Float.BYTES);
    return values.slice(begin, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }
}
