package dev.tandem.stage;

import dev.tandem.tensor.DType;

/**
 * All that decides a sequence's bits: equal profiles give equal bits, whatever runs beside them.
 *
 * @param modelHash SHA-256 in hex over the canonical config and the normalised tensors; empty where
 *     no second machine takes part, so that nobody needed it
 * @param weightType effective type of the weights in the arithmetic
 * @param activationEval table or formula
 * @param kvType element type of the KV cache
 * @param mode fast or reproducible
 * @param chunkRows C: prompt rows are cut at multiples of it
 * @param blas name, version and core of the BLAS, e.g. {@code OpenBLAS 0.3.31 SKYLAKEX}; empty
 *     where its bits do not matter (mode reproducible)
 */
public record ArithmeticProfile(
    String modelHash,
    DType weightType,
    ActivationEval activationEval,
    DType kvType,
    ArithmeticMode mode,
    int chunkRows,
    String blas) {

  /** C where nothing else is said. */
  public static final int DEFAULT_CHUNK_ROWS = 256;

  /** The same arithmetic of a model whose hash is known. */
  public ArithmeticProfile withModelHash(String hash) {
    return new ArithmeticProfile(hash, weightType, activationEval, kvType, mode, chunkRows, blas);
  }
}
