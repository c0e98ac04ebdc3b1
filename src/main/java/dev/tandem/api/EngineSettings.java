package dev.tandem.api;

import dev.tandem.config.ModelConfig;
import dev.tandem.engine.StageOptions;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.ArithmeticMode;
import java.util.Optional;

/**
 * How a model computes on this machine. What is left open is the model's default, or for a client
 * the server's choice.
 *
 * @param threads threads that compute; 0 for all cores
 * @param isa {@code avx512}, {@code avx2} or {@code scalar}; empty for the best there is
 * @param activationEval table or formula; empty leaves it open
 * @param reproducible whether the bits must be equal on every CPU
 * @param chunkRows C: prompt rows are cut at multiples of it; 0 leaves it open
 */
public record EngineSettings(
    int threads,
    String isa,
    Optional<ActivationEval> activationEval,
    boolean reproducible,
    int chunkRows) {

  /** All cores, the fastest arithmetic. */
  public static EngineSettings defaults() {
    return new EngineSettings(0, "", Optional.empty(), false, 0);
  }

  /** The same with another number of threads; 0 for all cores. */
  public EngineSettings withThreads(int newThreads) {
    return new EngineSettings(newThreads, isa, activationEval, reproducible, chunkRows);
  }

  StageOptions stageOptions(ModelConfig config) {
    StageOptions defaults = StageOptions.defaults(config.activation());
    return new StageOptions(
        reproducible ? ArithmeticMode.REPRODUCIBLE : ArithmeticMode.FAST,
        activationEval.orElse(defaults.activationEval()),
        chunkRows == 0 ? defaults.chunkRows() : chunkRows);
  }
}
