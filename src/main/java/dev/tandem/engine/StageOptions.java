package dev.tandem.engine;

import dev.tandem.config.Activation;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.ArithmeticMode;
import dev.tandem.stage.ArithmeticProfile;

/**
 * The choices in a local stage's arithmetic.
 *
 * @param mode fast or reproducible
 * @param activationEval how the non-linearity is evaluated
 * @param chunkRows C, at least 1: prompt rows are cut at multiples of it
 */
public record StageOptions(ArithmeticMode mode, ActivationEval activationEval, int chunkRows) {

  /**
   * @throws IllegalArgumentException if {@code chunkRows} is below 1
   */
  public StageOptions {
    if (chunkRows < 1) {
      throw new IllegalArgumentException("chunkRows must be at least 1, got " + chunkRows);
    }
  }

  /**
   * Mode fast, C = 256; the table for GELU, the formula for SiLU. An f16 table costs three decimal
   * digits, which GPT-2's LayerNorm forgives; SiLU's formula is one exponential, so that for Llama
   * models the table would cost accuracy and gain nothing.
   */
  public static StageOptions defaults(Activation activation) {
    return new StageOptions(
        ArithmeticMode.FAST,
        activation == Activation.SILU ? ActivationEval.FORMULA : ActivationEval.TABLE,
        ArithmeticProfile.DEFAULT_CHUNK_ROWS);
  }
}
