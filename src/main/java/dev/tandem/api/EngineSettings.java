package dev.tandem.api;

import dev.tandem.config.ModelConfig;
import dev.tandem.engine.StageOptions;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.ArithmeticMode;
import dev.tandem.stage.ArithmeticProfile;
import java.util.Optional;

/**
 * How a model computes on this machine.
 *
 * @param threads threads that compute; 0 for all cores
 * @param isa {@code avx512}, {@code avx2} or {@code scalar}; empty for the best there is
 * @param activationEval table or formula; empty for the model's own default
 * @param reproducible whether the bits shall be equal on every CPU
 * @param chunkRows C: prompt rows are cut at multiples of it
 */
public record EngineSettings(
    int threads,
    String isa,
    Optional<ActivationEval> activationEval,
    boolean reproducible,
    int chunkRows) {

  /** All cores, the fastest arithmetic. */
  public static EngineSettings defaults() {
    return new EngineSettings(0, "", Optional.empty(), false, ArithmeticProfile.DEFAULT_CHUNK_ROWS);
  }

  StageOptions stageOptions(ModelConfig config) {
    StageOptions defaults = StageOptions.defaults(config.activation());
    return new StageOptions(
        reproducible ? ArithmeticMode.REPRODUCIBLE : ArithmeticMode.FAST,
        activationEval.orElse(defaults.activationEval()),
        chunkRows);
  }
}
