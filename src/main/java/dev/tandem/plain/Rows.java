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

  /** Copies rows of a matrix of the same width. */
  void copyFrom(Rows from, int fromRow, int row, int count) {
    System.arraycopy(from.values, fromRow * width, values, row * width, count * width);
  }

  /** Makes room for that many rows; existing rows stay. */
  void reserve(int rows) {
    int needed = Math.multiplyExact(rows, width);
    if (values.length < needed) {
      values = Arrays.copyOf(values, needed);
    }
  }
}
