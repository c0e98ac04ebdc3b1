package dev.tandem.api;

import dev.tandem.engine.NativeCore;
import dev.tandem.engine.StageOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.ArithmeticMode;
import dev.tandem.stage.KvType;
import java.util.List;
import java.util.Optional;

/**
 * The settings of a model's computation on this machine. An open setting is the model's default, or
 * for a client the server's choice.
 *
 * @param threads threads that compute; 0 for all cores
 * @param isa {@code avx512bf16}, {@code avx512vnni}, {@code avx512}, {@code avx2}, {@code neondot},
 *     {@code neon} or {@code scalar}; empty for the best available one
 * @param activationEval table or formula; empty for an open setting
 * @param kvType type of the KV cache; empty for an open setting
 * @param reproducible whether the bits must be equal on every CPU
 * @param chunkRows C: prompt rows are cut at multiples of it; 0 for an open setting
 * @param backend what computes; empty for {@link Backend#FAST}, or {@link Backend#JAVA} where the
 *     native core cannot be loaded
 */
public record EngineSettings(
    int threads,
    String isa,
    Optional<ActivationEval> activationEval,
    Optional<KvType> kvType,
    boolean reproducible,
    int chunkRows,
    Optional<Backend> backend) {

  /** With the backend left open. */
  public EngineSettings(
      int threads,
      String isa,
      Optional<ActivationEval> activationEval,
      Optional<KvType> kvType,
      boolean reproducible,
      int chunkRows) {
    this(threads, isa, activationEval, kvType, reproducible, chunkRows, Optional.empty());
  }

  /** All cores, the fastest arithmetic. */
  public static EngineSettings defaults() {
    return new EngineSettings(0, "", Optional.empty(), Optional.empty(), false, 0);
  }

  /** The same with another number of threads; 0 for all cores. */
  public EngineSettings withThreads(int newThreads) {
    return new EngineSettings(
        newThreads, isa, activationEval, kvType, reproducible, chunkRows, backend);
  }

  /** The same with that backend. */
  public EngineSettings withBackend(Backend newBackend) {
    return new EngineSettings(
        threads, isa, activationEval, kvType, reproducible, chunkRows, Optional.of(newBackend));
  }

  /**
   * What the user should know of them on this machine, one line each: that plain Java computes,
   * because no backend is named and the native libraries cannot be loaded.
   */
  public List<String> notes() {
    Optional<String> problem = backend.isPresent() ? Optional.empty() : NativeCore.problem();
    return problem
        .map(
            reason ->
                List.of(
                    "the native libraries cannot be loaded ("
                        + reason
                        + "); computing in plain Java, which is slower and has other rounding"
                        + " errors"))
        .orElse(List.of());
  }

  /**
   * Checks that the backend can compute a part of a model.
   *
   * @throws InvalidSettingException if it is for whole models only
   */
  public void requireRowExact() {
    if (backend.isPresent() && !backend.get().isRowExact()) {
      throw new InvalidSettingException(
          "backend", "must be fast or java where a model is split", backend.get());
    }
  }

  EngineSettings withKvType(KvType newKvType) {
    return new EngineSettings(
        threads, isa, activationEval, Optional.of(newKvType), reproducible, chunkRows, backend);
  }

  /** The options of the stages of a model: what was set, else the model's defaults. */
  public StageOptions stageOptions(Checkpoint checkpoint) {
    StageOptions defaults = StageOptions.defaults(checkpoint);
    return new StageOptions(
        reproducible ? ArithmeticMode.REPRODUCIBLE : ArithmeticMode.FAST,
        activationEval.orElse(defaults.activationEval()),
        kvType.orElse(defaults.kvType()),
        chunkRows == 0 ? defaults.chunkRows() : chunkRows);
  }
}
