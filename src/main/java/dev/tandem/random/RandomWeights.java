package dev.tandem.random;

import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.tensor.BFloat16;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Float16;
import dev.tandem.tensor.TensorData;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/**
 * One tensor's random weights, computed when they are read; any range can be computed without the
 * others.
 */
final class RandomWeights implements TensorData.Derived {
  private static final double STD = 0.02;

  /** The elements of a piece; each piece has its own generator. */
  private static final int RUN_ELEMENTS = 1 << 16;

  /** splitmix64's increment. */
  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private final DType dtype;
  private final long elements;
  private final long tensorSeed;

  /** The value of every element; NaN if elements are drawn. */
  private final float constant;

  private final float scale;

  /**
   * The weights of a tensor; see {@link RandomModels}.
   *
   * @throws IllegalArgumentException if the type is quantised
   */
  RandomWeights(DType dtype, Spec spec, int nLayers, long seed) {
    if (dtype.isQuantized()) {
      throw new IllegalArgumentException("random weights of type " + dtype);
    }
    this.dtype = dtype;
    this.elements = spec.elements();
    this.tensorSeed = mix(seed + GAMMA * spec.name().hashCode());
    this.constant =
        switch (spec.use()) {
          case BIAS -> 0;
          case GAIN, FACTORS -> 1;
          case EMBEDDING, MATRIX, RESIDUAL -> Float.NaN;
        };
    double std = spec.use() == TensorPlan.Use.RESIDUAL ? STD / Math.sqrt(2.0 * nLayers) : STD;
    // a sum of four uniform 16-bit numbers: mean 4 * 32767.5, deviation 65536 / sqrt(3)
    this.scale = (float) (std * Math.sqrt(3) / 65536);
  }

  @Override
  public long bytes() {
    return dtype.bytes(elements);
  }

  @Override
  public ByteBuffer slice(long offset, int length) {
    TensorData.checkRange(offset, length, bytes());
    int size = dtype.elementBytes();
    long first = offset / size;
    int skipped = (int) (offset % size);
    int n = (skipped + length + size - 1) / size;
    ByteBuffer out = ByteBuffer.allocate(n * size).order(ByteOrder.LITTLE_ENDIAN);
    write(out, first, n);
    return out.slice(skipped, length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Writes all elements on all cores; the result does not depend on their number.
   *
   * @param memory little-endian, from index 0 on
   */
  void fill(ByteBuffer memory) {
    int all = Math.toIntExact(elements);
    int size = dtype.elementBytes();
    IntStream.range(0, (all - 1) / RUN_ELEMENTS + 1)
        .parallel()
        .forEach(
            run -> {
              int first = run * RUN_ELEMENTS;
              int n = Math.min(RUN_ELEMENTS, all - first);
              ByteBuffer bytes = memory.slice(first * size, n * size);
              write(bytes.order(ByteOrder.LITTLE_ENDIAN), first, n);
            });
  }

  private void write(ByteBuffer out, long first, int n) {
    for (int i = 0; i < n; i++) {
      float value = Float.isNaN(constant) ? drawn(first + i) : constant;
      switch (dtype) {
        case F32 -> out.putFloat(4 * i, value);
        case F16 -> out.putShort(2 * i, Float16.fromFloat(value));
        default -> out.putShort(2 * i, BFloat16.fromFloat(value));
      }
    }
  }

  private float drawn(long index) {
    long run = index / RUN_ELEMENTS;
    long bits = mix(mix(tensorSeed + run) + GAMMA * (index % RUN_ELEMENTS + 1));
    long sum =
        (bits & 0xffff) + ((bits >>> 16) & 0xffff) + ((bits >>> 32) & 0xffff) + (bits >>> 48);
    return (sum - 131070) * scale;
  }

  /** splitmix64's output function: a bijection whose results look independent. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
