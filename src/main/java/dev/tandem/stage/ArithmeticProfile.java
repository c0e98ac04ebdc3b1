package dev.tandem.stage;

import dev.tandem.tensor.DType;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * All that decides a sequence's bits in a stage: equal profiles give equal bits, whatever runs
 * beside them.
 *
 * @param modelHash SHA-256 in hex over the canonical config and the normalised tensors; empty where
 *     no second machine takes part, so that nobody needed it
 * @param matrixTypes the types in which the stage's matrices are computed. Those without kernels of
 *     their own are expanded to f32 and count as that; vectors are always f32 and do not count
 * @param activationEval table or formula
 * @param kvType type of the KV cache
 * @param mode fast, reproducible, or that of a backend that has bits of its own
 * @param chunkRows C: prompt rows are cut at multiples of it
 * @param promptKernels what computes the chunks of prompts in the stage; empty where all rows are
 *     computed as in mode reproducible
 * @param blas name, version and core of the BLAS, e.g. {@code OpenBLAS 0.3.31 SKYLAKEX}; empty
 *     where its bits do not matter, because the stage does not use {@link PromptKernel#SGEMM}
 */
public record ArithmeticProfile(
    String modelHash,
    Set<DType> matrixTypes,
    ActivationEval activationEval,
    KvType kvType,
    ArithmeticMode mode,
    int chunkRows,
    Set<PromptKernel> promptKernels,
    String blas) {

  /** C where nothing else is said. */
  public static final int DEFAULT_CHUNK_ROWS = 256;

  /** Copies the sets, in the order of their types. */
  public ArithmeticProfile {
    matrixTypes = copy(DType.class, matrixTypes);
    promptKernels = copy(PromptKernel.class, promptKernels);
  }

  private static <E extends Enum<E>> Set<E> copy(Class<E> type, Collection<E> values) {
    Set<E> copy = EnumSet.noneOf(type);
    copy.addAll(values);
    return Collections.unmodifiableSet(copy);
  }

  /** The same arithmetic of a model whose hash is known. */
  public ArithmeticProfile withModelHash(String hash) {
    return new ArithmeticProfile(
        hash, matrixTypes, activationEval, kvType, mode, chunkRows, promptKernels, blas);
  }
}
