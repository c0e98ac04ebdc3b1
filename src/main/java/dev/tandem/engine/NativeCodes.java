package dev.tandem.engine;

import dev.tandem.model.Activation;
import dev.tandem.model.NormKind;
import dev.tandem.model.RopePairing;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.PromptKernel;
import dev.tandem.stage.RowKind;
import dev.tandem.tensor.DType;
import java.util.EnumSet;
import java.util.Set;

/** Maps the values of our enums to the numbers of {@code tandem.h}. */
final class NativeCodes {
  private NativeCodes() {}

  /** {@code td_dtype}. */
  static int of(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F16 -> 1;
      case BF16 -> 2;
      case Q4_0 -> 3;
      case Q4_1 -> 4;
      case Q5_0 -> 5;
      case Q5_1 -> 6;
      case Q8_0 -> 7;
      case Q4_K -> 8;
      case Q5_K -> 9;
      case Q6_K -> 10;
      case IQ4_NL -> 11;
    };
  }

  /** The types in a set of {@code td_dtype} bits. */
  static Set<DType> dtypes(int bits) {
    Set<DType> types = EnumSet.noneOf(DType.class);
    for (DType dtype : DType.values()) {
      if ((bits & 1 << of(dtype)) != 0) {
        types.add(dtype);
      }
    }
    return types;
  }

  /** {@code td_prompt_kernel}, combined. */
  static Set<PromptKernel> promptKernels(int bits) {
    Set<PromptKernel> kernels = EnumSet.noneOf(PromptKernel.class);
    for (PromptKernel kernel : PromptKernel.values()) {
      if ((bits & of(kernel)) != 0) {
        kernels.add(kernel);
      }
    }
    return kernels;
  }

  private static int of(PromptKernel kernel) {
    return switch (kernel) {
      case SGEMM -> 1;
      case VDPBF16PS -> 2;
    };
  }

  /** {@code td_norm}. */
  static int of(KvType type) {
    return of(
        switch (type) {
          case F32 -> DType.F32;
          case F16 -> DType.F16;
          case Q8_0 -> DType.Q8_0;
        });
  }

  static int of(NormKind norm) {
    return switch (norm) {
      case LAYER -> 0;
      case RMS -> 1;
    };
  }

  /** {@code td_activation}. */
  static int of(Activation activation) {
    return switch (activation) {
      case GELU_TANH -> 0;
      case GELU_ERF -> 1;
      case SILU -> 2;
    };
  }

  /** {@code td_activation_eval}. */
  static int of(ActivationEval eval) {
    return switch (eval) {
      case TABLE -> 0;
      case FORMULA -> 1;
    };
  }

  /** {@code td_rope}. */
  static int of(RopePairing rope) {
    return switch (rope) {
      case NONE -> 0;
      case INTERLEAVED -> 1;
      case HALVES -> 2;
    };
  }

  /**
   * {@code td_mode}; a reference stage does not use it.
   *
   * @throws IllegalArgumentException for plain Java
   */
  static int of(ArithmeticMode mode) {
    return switch (mode) {
      case FAST, REFERENCE -> 0;
      case REPRODUCIBLE -> 1;
      case JAVA -> throw new IllegalArgumentException("the native core does not compute in Java");
    };
  }

  /** {@code td_row_kind}. */
  static int of(RowKind kind) {
    return switch (kind) {
      case PROMPT -> 0;
      case GENERATED -> 1;
    };
  }
}
