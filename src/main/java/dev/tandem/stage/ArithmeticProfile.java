package dev.tandem.stage;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.KvType;
import dev.tandem.tensor.DType;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * Everything that decides a sequence's bits in a stage: equal profiles give equal bits, whatever
 * else runs at the same time.
 *
 * @param modelHash SHA-256 in hex over the canonical config and the normalised tensors; empty if no
 *     second machine takes part, which would need it
 * @param matrixTypes the types in which the stage's matrices are computed. Types without their own
 *     kernels are expanded to f32 and count as f32; vectors are always f32 and do not count
 * @param activationEval table or formula
 * @param kvType type of the KV cache
 * @param mode fast, reproducible, or the mode of another backend
 * @param chunkRows C: prompt rows are cut at multiples of it
 * @param promptKernels the kernels of prompts' chunks in the stage; empty if all rows are computed
 *     as in mode reproducible
 * @param blas name, version and core of the BLAS, e.g. {@code OpenBLAS 0.3.31 SKYLAKEX}; empty if
 *     its bits do not matter, because the stage does not use {@link PromptKernel#SGEMM}
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

  /** The default C. */
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

  /** The same arithmetic with a model hash. */
  public ArithmeticProfile withModelHash(String hash) {
    return new ArithmeticProfile(
        hash, matrixTypes, activationEval, kvType, mode, chunkRows, promptKernels, blas);
  }
}
