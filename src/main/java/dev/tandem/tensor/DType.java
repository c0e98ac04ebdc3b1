package dev.tandem.tensor;

/** Element types of stored tensors. */
public enum DType {
  F32(4),
  F16(2),
  BF16(2);

  private final int elementBytes;

  DType(int elementBytes) {
    this.elementBytes = elementBytes;
  }

  /** Bytes of one element. */
  public int elementBytes() {
    return elementBytes;
  }

  /**
   * Bytes of {@code elements} elements.
   *
   * @throws ArithmeticException if the product overflows a long
   */
  public long bytes(long elements) {
    return Math.multiplyExact(elements, elementBytes);
  }
}
