package dev.tandem.stage;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileDifference.Field;
import dev.tandem.tensor.DType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
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

  /**
   * Where another profile differs from this one, in the order of the values; empty if they are
   * equal.
   *
   * <p>Bits can differ if the rules of the arithmetic do: activation, KV type, mode, or C while a
   * prompt kernel depends on it. Two stages may have other layers of one model, and so other types
   * and other prompt kernels; their bits can differ only where the types meet. That is so if both
   * use sgemm, of different BLAS, or if both have bf16 matrices and only one uses the processor's
   * products.
   */
  public List<ProfileDifference> differences(ArithmeticProfile other) {
    boolean chunksMatter = !promptKernels.isEmpty() || !other.promptKernels.isEmpty();
    boolean bothSgemm = bothHave(PromptKernel.SGEMM, promptKernels, other.promptKernels);
    boolean productsDiffer =
        bothHave(DType.BF16, matrixTypes, other.matrixTypes)
            && promptKernels.contains(PromptKernel.VDPBF16PS)
                != other.promptKernels.contains(PromptKernel.VDPBF16PS);
    List<ProfileDifference> found = new ArrayList<>();
    add(found, Field.MODEL, modelHash, other.modelHash, true);
    add(found, Field.MATRIX_TYPES, matrixTypes, other.matrixTypes, false);
    add(found, Field.ACTIVATION, activationEval, other.activationEval, true);
    add(found, Field.KV_TYPE, kvType, other.kvType, true);
    add(found, Field.MODE, mode, other.mode, true);
    add(found, Field.CHUNK_ROWS, chunkRows, other.chunkRows, chunksMatter);
    add(found, Field.PROMPT_KERNELS, promptKernels, other.promptKernels, productsDiffer);
    add(found, Field.BLAS, blas, other.blas, bothSgemm);
    return found;
  }

  private static <E> boolean bothHave(E value, Set<E> here, Set<E> there) {
    return here.contains(value) && there.contains(value);
  }

  private static void add(
      List<ProfileDifference> found,
      Field field,
      Object here,
      Object there,
      boolean bitsCanDiffer) {
    if (!here.equals(there)) {
      found.add(new ProfileDifference(field, here, there, bitsCanDiffer));
    }
  }

  /** The same arithmetic with a model hash. */
  public ArithmeticProfile withModelHash(String hash) {
    return new ArithmeticProfile(
        hash, matrixTypes, activationEval, kvType, mode, chunkRows, promptKernels, blas);
  }
}
