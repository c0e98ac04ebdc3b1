package dev.tandem.formats.files;

import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A quantised tensor's elements as f32, for matrix layouts that are not possible with quantisation
 * blocks.
 *
 * @param source the tensor
 */
public record ExpandedData(Tensor source) implements TensorData.Derived {
  @Override
  public long bytes() {
    return source.elements() * Float.BYTES;
  }

  @Override
  public ByteBuffer slice(long offset, int length) throws IOException {
    TensorData.checkRange(offset, length, bytes());
    int block = source.dtype().blockElements();
    long first = offset / Float.BYTES / block * block;
    long end = (offset + length + Float.BYTES - 1) / Float.BYTES;
    int count = Math.toIntExact((end - first + block - 1) / block * block);
    float[] values = new float[count];
    source.read(first, count, values, 0);
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(count, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes
        .slice((int) (offset - first * Float.BYTES), length)
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
