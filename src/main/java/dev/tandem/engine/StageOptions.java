package dev.tandem.engine;

import dev.tandem.model.Activation;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;

/**
 * The choices in a local stage's arithmetic.
 *
 * @param mode fast or reproducible; {@code REFERENCE} in a reference stage
 * @param activationEval how the non-linearity is evaluated
 * @param kvType type of the KV cache
 * @param chunkRows C, at least 1: prompt rows are cut at multiples of it
 */
public record StageOptions(
    ArithmeticMode mode, ActivationEval activationEval, KvType kvType, int chunkRows) {

  /**
   * @throws IllegalArgumentException if {@code chunkRows} is below 1
   */
  public StageOptions {
    if (chunkRows < 1) {
      throw new IllegalArgumentException("chunkRows must be at least 1, got " + chunkRows);
    }
  }

  /**
   * Mode fast, C = 256; the table for GELU, the formula for SiLU. An f16 table keeps three decimal
   * digits, which is enough with GPT-2's LayerNorm. SiLU's formula is one exponential, so for Llama
   * models the table would cost accuracy and gain nothing. The KV cache is f16 if matrices are
   * quantised, because quantisation costs more accuracy than f16; otherwise f32.
   *
   * @param checkpoint the model, or a part of it: all parts of one model have the same defaults
   */
  public static StageOptions defaults(Checkpoint checkpoint) {
    boolean silu = checkpoint.config().activation() == Activation.SILU;
    return new StageOptions(
        ArithmeticMode.FAST,
        silu ? ActivationEval.FORMULA : ActivationEval.TABLE,
        checkpoint.defaultKvType(),
        ArithmeticProfile.DEFAULT_CHUNK_ROWS);
  }
}
