package dev.tandem.tokenizer.text;

import java.util.Arrays;

/** A growing array of ints. */
public final class IntBuilder {
  private int[] ints = new int[16];
  private int size;

  /** Adds a number at the end. */
  public void add(int value) {
    reserve(1);
    ints[size++] = value;
  }

  /** Adds the first {@code count} numbers of an array. */
  public void add(int[] source, int count) {
    reserve(count);
    System.arraycopy(source, 0, ints, size, count);
    size += count;
  }

  /** All numbers so far; a copy. */
  public int[] toArray() {
    return Arrays.copyOf(ints, size);
  }

  private void reserve(int count) {
    if (ints.length - size < count) {
      ints = Arrays.copyOf(ints, Math.max(size + count, size + (size >> 1) + 16));
    }
  }
}
