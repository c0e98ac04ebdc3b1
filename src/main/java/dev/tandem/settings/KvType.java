package dev.tandem.settings;

/**
 * The type in which a KV cache holds keys and values. Attention reads them back from there, those
 * of the rows that it computes included, so that the type decides bits.
 */
public enum KvType {
  /** As they were computed. */
  F32,
  /** Rounded to nearest, ties to even; magnitudes of 65520 and above are infinite. */
  F16,
  /**
   * 8 bits, with an f16 scale for every 32 elements of a head; the last of them may be fewer where
   * its size is no multiple of 32.
   */
  Q8_0;

  private static final int SCALED_ELEMENTS = 32;

  /** Bytes of the key, and of the value, of one position in one head of one layer. */
  public long rowBytes(int headDim) {
    return switch (this) {
      case F32 -> 4L * headDim;
      case F16 -> 2L * headDim;
      case Q8_0 -> headDim + 2L * ((headDim + SCALED_ELEMENTS - 1) / SCALED_ELEMENTS);
    };
  }
}
