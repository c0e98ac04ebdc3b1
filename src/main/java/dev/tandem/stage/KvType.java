package dev.tandem.stage;

import dev.tandem.tensor.DType;
import java.util.Set;

/**
 * The type in which a KV cache holds keys and values. Attention always reads them from the cache,
 * also for the rows of the same step, so the type decides bits.
 */
public enum KvType {
  /** f32, as computed. */
  F32(DType.F32),
  /** Rounded to nearest, ties to even; magnitudes of 65520 and above are infinite. */
  F16(DType.F16),
  /**
   * 8 bits, with an f16 scale for every 32 elements of a head; the last scale covers fewer elements
   * if the size of the head is not a multiple of 32.
   */
  Q8_0(DType.Q8_0);

  private static final int SCALED_ELEMENTS = 32;

  /** The quantised types that have kernels. */
  private static final Set<DType> QUANTIZED =
      Set.of(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);

  private final DType dtype;

  KvType(DType dtype) {
    this.dtype = dtype;
  }

  /**
   * The default type for a model: f16 if matrices of its layers are computed in a quantised type,
   * otherwise f32.
   *
   * @param layerMatrices the types of the layers' matrices, including those of other stages
   */
  public static KvType defaultFor(Set<DType> layerMatrices) {
    return layerMatrices.stream().anyMatch(QUANTIZED::contains) ? F16 : F32;
  }

  /** The elements' type. */
  public DType dtype() {
    return dtype;
  }

  /** Bytes of the key, and of the value, of one position in one head of one layer. */
  public long rowBytes(int headDim) {
    return switch (this) {
      case F32 -> 4L * headDim;
      case F16 -> 2L * headDim;
      case Q8_0 -> headDim + 2L * ((headDim + SCALED_ELEMENTS - 1) / SCALED_ELEMENTS);
    };
  }
}
