package dev.tandem.model;

import dev.tandem.tensor.Float16;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * The tables that a stage uses instead of a mathematics library, whose results differ between CPUs.
 * They are computed here in double precision with {@code StrictMath}, which is defined to the bit.
 */
public final class Tables {
  private static final int F16_PATTERNS = 1 << 16;
  private static final Map<Activation, ShortBuffer> ACTIVATIONS = new ConcurrentHashMap<>();
  private static final double SQRT_2_OVER_PI = StrictMath.sqrt(2 / Math.PI);

  private Tables() {}

  /**
   * Cosines and sines of the rotary angles.
   *
   * @param cos {@code [maxSeq, headDim / 2]} f32, direct
   * @param sin the same
   */
  public record Rope(FloatBuffer cos, FloatBuffer sin) {}

  /**
   * Cosines and sines of {@code position * theta^(-2i/headDim) / factors[i]}. A long context has
   * millions of them, so all cores compute them.
   *
   * @param factors {@code [headDim / 2]}, or empty for none
   */
  public static Rope rope(ModelConfig config, float[] factors) {
    int half = config.headDim() / 2;
    double[] frequency = new double[half];
    for (int i = 0; i < half; i++) {
      frequency[i] = StrictMath.pow(config.ropeTheta(), -2.0 * i / config.headDim());
      if (factors.length > 0) {
        frequency[i] /= factors[i];
      }
    }
    FloatBuffer cos = direct(4L * config.maxSeq() * half).asFloatBuffer();
    FloatBuffer sin = direct(4L * config.maxSeq() * half).asFloatBuffer();
    IntStream.range(0, config.maxSeq())
        .parallel()
        .forEach(
            position -> {
              for (int i = 0; i < half; i++) {
                double angle = position * frequency[i];
                cos.put(position * half + i, (float) StrictMath.cos(angle));
                sin.put(position * half + i, (float) StrictMath.sin(angle));
              }
            });
    return new Rope(cos, sin);
  }

  /**
   * The activation for every f16 input. It is computed once in the process, and kept.
   *
   * @return {@code [65536]} f16 bits, indexed by the input's f16 bits, direct; only to be read
   */
  public static ShortBuffer activation(Activation activation) {
    return ACTIVATIONS.computeIfAbsent(activation, Tables::computed).duplicate();
  }

  private static ShortBuffer computed(Activation activation) {
    ShortBuffer table = direct(2L * F16_PATTERNS).asShortBuffer();
    for (int bits = 0; bits < F16_PATTERNS; bits++) {
      table.put(toF16(activate(activation, Float16.toFloat((short) bits))));
    }
    return table.flip();
  }

  /** The activation itself, in double precision. */
  public static double activate(Activation activation, double x) {
    return switch (activation) {
      case GELU_TANH ->
          x == Double.NEGATIVE_INFINITY
              ? -0.0
              : 0.5 * x * (1 + StrictMath.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
      case GELU_ERF ->
          x == Double.NEGATIVE_INFINITY ? -0.0 : 0.5 * x * (1 + erf(x / StrictMath.sqrt(2)));
      case SILU -> x == Double.NEGATIVE_INFINITY ? -0.0 : x / (1 + StrictMath.exp(-x));
    };
  }

  /**
   * The error function, by {@code 2/sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (2n+1)!!}
   * (Abramowitz and Stegun 7.1.6): all terms have one sign, so nothing cancels.
   */
  static double erf(double x) {
    if (Double.isNaN(x) || Math.abs(x) > 6) {
      return Double.isNaN(x)
          ? x
          : Math.signum(x); // 1 - erf(6) is 2e-17, below a double's resolution
    }
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / StrictMath.sqrt(Math.PI) * StrictMath.exp(-x * x) * sum;
  }

  /** The nearest f16, ties to even; beyond the largest finite one, infinity. */
  static short toF16(double x) {
    int sign = Double.doubleToRawLongBits(x) < 0 ? 0x8000 : 0;
    double magnitude = Math.abs(x);
    int bits;
    if (Double.isNaN(x)) {
      bits = 0x7e00;
    } else if (magnitude >= 65520) {
      bits = 0x7c00;
    } else if (magnitude < 0x1p-14) {
      bits = (int) Math.rint(magnitude * 0x1p24);
    } else {
      int exponent = Math.getExponent(magnitude);
      // A mantissa that rounds up to 2048 carries into the exponent, as it should.
      bits = ((exponent + 15) << 10) + (int) Math.rint(Math.scalb(magnitude, 10 - exponent)) - 1024;
    }
    return (short) (sign | bits);
  }

  private static ByteBuffer direct(long bytes) {
    return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
  }
}
