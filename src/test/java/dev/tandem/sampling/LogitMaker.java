package dev.tandem.sampling;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Random;

/** Random and adversarial logits. */
final class LogitMaker {

  /** Shapes of distributions that have broken samplers. */
  enum Shape {
    BELL,
    PEAKED,
    FLAT,
    ALL_EQUAL,
    MANY_TIES,
    TWO_LEVELS,
    MOSTLY_FORBIDDEN,
    ONE_HUGE,
    FAR_FROM_ZERO,
    SIGNED_ZEROS,
    WITH_NAN
  }

  private LogitMaker() {}

  static float[] make(Shape shape, int vocabSize, Random random) {
    float[] logits = new float[vocabSize];
    for (int id = 0; id < vocabSize; id++) {
      logits[id] = one(shape, random);
    }
    if (shape == Shape.ONE_HUGE) {
      logits[random.nextInt(vocabSize)] = 1e30f;
    }
    if (shape == Shape.ALL_EQUAL) {
      Arrays.fill(logits, (float) random.nextGaussian());
    }
    return logits;
  }

  private static float one(Shape shape, Random random) {
    float bell = (float) random.nextGaussian();
    return switch (shape) {
      case BELL -> 2 * bell;
      case PEAKED -> 12 * bell;
      case FLAT -> bell / 1000;
      case ALL_EQUAL -> 0;
      case MANY_TIES -> Math.round(2 * bell) / 2.0f;
      case TWO_LEVELS -> random.nextInt(10) == 0 ? 3 : 1;
      case MOSTLY_FORBIDDEN -> random.nextInt(10) == 0 ? bell : Float.NEGATIVE_INFINITY;
      case ONE_HUGE -> bell;
      case FAR_FROM_ZERO -> -3e6f + 4 * bell;
      case SIGNED_ZEROS -> random.nextBoolean() ? 0.0f : -0.0f;
      case WITH_NAN -> random.nextInt(3) == 0 ? Float.NaN : bell;
    };
  }

  /** A direct buffer with the logits from index {@code offset} and NaN around them. */
  static FloatBuffer direct(float[] logits, int offset) {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect((offset + logits.length + 3) * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    for (int i = 0; i < buffer.capacity(); i++) {
      buffer.put(i, Float.NaN);
    }
    buffer.put(offset, logits);
    return buffer;
  }
}
