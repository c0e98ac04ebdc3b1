package dev.tandem.weights;

import dev.tandem.tensor.BFloat16;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Float16;
import dev.tandem.weights.TensorPlan.Spec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Fills memory with random weights, all cores at once, the same whatever their number. */
final class RandomWeights {
  private static final double STD = 0.02;
  private static final int CHUNK_ELEMENTS = 1 << 16;

  /** splitmix64's increment. */
  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private RandomWeights() {}

  /** Fills a zeroed buffer with a tensor's elements; see {@link RandomModels}. */
  static void fill(ByteBuffer memory, DType dtype, Spec spec, int nLayers, long seed) {
    switch (spec.use()) {
      case BIAS -> {
        // zero already
      }
      case GAIN, FACTORS -> {
        float[] ones = new float[Math.toIntExact(spec.elements())];
        Arrays.fill(ones, 1);
        put(memory, dtype, 0, ones, ones.length);
      }
      case EMBEDDING, MATRIX -> fillNormal(memory, dtype, spec, STD, seed);
      case RESIDUAL -> fillNormal(memory, dtype, spec, STD / Math.sqrt(2.0 * nLayers), seed);
    }
  }

  private static void fillNormal(ByteBuffer memory, DType dtype, Spec spec, double std, long seed) {
    int elements = Math.toIntExact(spec.elements());
    int chunks = (elements - 1) / CHUNK_ELEMENTS + 1;
    long tensorSeed = mix(seed + GAMMA * spec.name().hashCode());
    // a sum of four uniform 16-bit numbers: mean 4 * 32767.5, deviation 65536 / sqrt(3)
    float scale = (float) (std * Math.sqrt(3) / 65536);
    IntStream.range(0, chunks)
        .parallel()
        .forEach(
            chunk -> {
              int first = chunk * CHUNK_ELEMENTS;
              float[] values = new float[Math.min(CHUNK_ELEMENTS, elements - first)];
              long state = mix(tensorSeed + chunk);
              for (int i = 0; i < values.length; i++) {
                state += GAMMA;
                long bits = mix(state);
                long sum =
                    (bits & 0xffff)
                        + ((bits >>> 16) & 0xffff)
                        + ((bits >>> 32) & 0xffff)
                        + (bits >>> 48);
                values[i] = (sum - 131070) * scale;
              }
              put(memory, dtype, first, values, values.length);
            });
  }

  /** splitmix64's output function: a bijection whose results look independent. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  private static void put(ByteBuffer memory, DType dtype, int first, float[] values, int n) {
    ByteBuffer part =
        memory
            .slice(first * dtype.elementBytes(), n * dtype.elementBytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    switch (dtype) {
      case F32 -> part.asFloatBuffer().put(values, 0, n);
      case F16 -> {
        for (int i = 0; i < n; i++) {
          part.putShort(2 * i, Float16.fromFloat(values[i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          part.putShort(2 * i, BFloat16.fromFloat(values[i]));
        }
      }
      default -> throw new IllegalArgumentException("random weights of type " + dtype);
    }
  }
}
