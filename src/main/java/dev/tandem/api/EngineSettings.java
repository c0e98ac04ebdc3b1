package dev.tandem.api;

import dev.tandem.engine.StageOptions;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.ArithmeticMode;
import dev.tandem.stage.KvType;
import dev.tandem.weights.Checkpoint;
import java.util.Optional;

/**
 * How a model computes on this machine. What is left open is the model's default, or for a client
 * the server's choice.
 *
 * @param threads threads that compute; 0 for all cores
 * @param isa {@code avx512bf16}, {@code avx512vnni}, {@code avx512}, {@code avx2}, {@code neondot},
 *     {@code neon} or {@code scalar}; empty for the best there is
 * @param activationEval table or formula; empty leaves it open
 * @param kvType type of the KV cache; empty leaves it open
 * @param reproducible whether the bits must be equal on every CPU
 * @param chunkRows C: prompt rows are cut at multiples of it; 0 leaves it open
 */
public record EngineSettings(
    int threads,
    String isa,
    Optional<ActivationEval> activationEval,
    Optional<KvType> kvType,
    boolean reproducible,
    int chunkRows) {

  /** All cores, the fastest arithmetic. */
  public static EngineSettings defaults() {
    return new EngineSettings(0, "", Optional.empty(), Optional.empty(), false, 0);
  }

  EngineSettings withThreads(int newThreads) {
    return new EngineSettings(newThreads, isa, activationEval, kvType, reproducible, chunkRows);
  }

  EngineSettings withKvType(KvType newKvType) {
    return new EngineSettings(
        threads, isa, activationEval, Optional.of(newKvType), reproducible, chunkRows);
  }

  StageOptions stageOptions(Checkpoint checkpoint) {
    StageOptions defaults = StageOptions.defaults(checkpoint);
    return new StageOptions(
        reproducible ? ArithmeticMode.REPRODUCIBLE : ArithmeticMode.FAST,
        activationEval.orElse(defaults.activationEval()),
        kvType.orElse(defaults.kvType()),
        chunkRows == 0 ? defaults.chunkRows() : chunkRows);
  }
}
