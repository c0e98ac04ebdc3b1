package dev.tandem.tokenizer;

import java.util.Arrays;

/** A growing array of ints. */
final class IntBuilder {
  private int[] ints = new int[16];
  private int size;

  void add(int value) {
    reserve(1);
    ints[size++] = value;
  }

  void add(int[] source, int count) {
    reserve(count);
    System.arraycopy(source, 0, ints, size, count);
    size += count;
  }

  int[] toArray() {
    return Arrays.copyOf(ints, size);
  }

  private void reserve(int count) {
    if (ints.length - size < count) {
      ints = Arrays.copyOf(ints, Math.max(size + count, size + (size >> 1) + 16));
    }
  }
}
