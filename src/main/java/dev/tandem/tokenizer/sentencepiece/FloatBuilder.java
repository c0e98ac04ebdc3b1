package dev.tandem.tokenizer.sentencepiece;

import java.util.Arrays;

/** A growing array of floats. */
final class FloatBuilder {
  private float[] floats = new float[16];
  private int size;

  void add(float value) {
    if (size == floats.length) {
      floats = Arrays.copyOf(floats, 2 * size);
    }
    floats[size++] = value;
  }

  float[] toArray() {
    return Arrays.copyOf(floats, size);
  }
}
