package dev.tandem.tensor;

/**
 * Element types of stored tensors. A quantised type stores blocks of elements that share a scale,
 * laid out as in GGUF; see {@link QuantizedBlocks}. The others are blocks of one element.
 */
public enum DType {
  F32(1, 4),
  F16(1, 2),
  BF16(1, 2),
  Q4_0(32, 18),
  Q4_1(32, 20),
  Q5_0(32, 22),
  Q5_1(32, 24),
  Q8_0(32, 34),
  Q4_K(256, 144),
  Q5_K(256, 176),
  Q6_K(256, 210),
  IQ4_NL(32, 18);

  private final int blockElements;
  private final int blockBytes;

  DType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Elements of one block; the length of a row must be a multiple. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether elements share scales. */
  public boolean isQuantized() {
    return blockElements > 1;
  }

  /**
   * Bytes of one element.
   *
   * @throws UnsupportedOperationException if the type is quantised
   */
  public int elementBytes() {
    if (isQuantized()) {
      throw new UnsupportedOperationException(this + " has blocks of " + blockElements);
    }
    return blockBytes;
  }

  /**
   * Bytes of {@code elements} elements.
   *
   * @throws IllegalArgumentException if they are not whole blocks
   * @throws ArithmeticException if the product overflows a long
   */
  public long bytes(long elements) {
    if (elements % blockElements != 0) {
      throw new IllegalArgumentException(
          elements + " elements are not whole blocks of " + blockElements + " (" + this + ")");
    }
    return Math.multiplyExact(elements / blockElements, blockBytes);
  }
}
