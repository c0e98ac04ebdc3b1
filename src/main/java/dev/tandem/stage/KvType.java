package dev.tandem.stage;

import dev.tandem.tensor.DType;
import java.util.Set;

/**
 * The type in which a KV cache holds keys and values. Attention reads them back from there, those
 * of the rows that it computes included, so that the type decides bits.
 */
public enum KvType {
  /** As they were computed. */
  F32(DType.F32),
  /** Rounded to nearest, ties to even; magnitudes of 65520 and above are infinite. */
  F16(DType.F16),
  /**
   * 8 bits, with an f16 scale for every 32 elements of a head; the last of them may be fewer where
   * its size is no multiple of 32.
   */
  Q8_0(DType.Q8_0);

  private static final int SCALED_ELEMENTS = 32;

  /** Those that have kernels. */
  private static final Set<DType> QUANTIZED =
      Set.of(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);

  private final DType dtype;

  KvType(DType dtype) {
    this.dtype = dtype;
  }

  /**
   * The type for a model where nothing else is said: f16 if matrices of its blocks are computed in
   * a quantised type, else f32.
   *
   * @param blockMatrices the types of the blocks' matrices, those of other stages included
   */
  public static KvType defaultFor(Set<DType> blockMatrices) {
    return blockMatrices.stream().anyMatch(QUANTIZED::contains) ? F16 : F32;
  }

  /** The elements' type. */
  public DType dtype() {
    return dtype;
  }

  /** Bytes of the key, and of the value, of one position in one head of one block. */
  public long rowBytes(int headDim) {
    return switch (this) {
      case F32 -> 4L * headDim;
      case F16 -> 2L * headDim;
      case Q8_0 -> headDim + 2L * ((headDim + SCALED_ELEMENTS - 1) / SCALED_ELEMENTS);
    };
  }
}
