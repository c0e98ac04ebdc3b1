package dev.tandem.plain;

import java.util.Arrays;

/** A growing matrix of activations, {@code [rows, width]} f32 row-major. */
final class Rows {
  private final int width;
  private float[] values = new float[0];

  Rows(int width) {
    this.width = width;
  }

  int width() {
    return width;
  }

  float[] values() {
    return values;
  }

  /** Makes room for that many rows; existing rows stay. */
  void reserve(int rows) {
    int needed = Math.multiplyExact(rows, width);
    if (values.length < needed) {
      values = Arrays.copyOf(values, needed);
    }
  }
}
