package dev.tandem.settings;

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
  public EngineSettings withThreads(int value) {
    return new EngineSettings(value, isa, activationEval, kvType, reproducible, chunkRows, backend);
  }

  /** The same with activations evaluated that way. */
  public EngineSettings withActivationEval(ActivationEval value) {
    return new EngineSettings(
        threads, isa, Optional.of(value), kvType, reproducible, chunkRows, backend);
  }

  /** The same with KV caches of that type. */
  public EngineSettings withKvType(KvType value) {
    return new EngineSettings(
        threads, isa, activationEval, Optional.of(value), reproducible, chunkRows, backend);
  }

  /** The same with bits that are equal on every CPU, or not. */
  public EngineSettings withReproducible(boolean value) {
    return new EngineSettings(threads, isa, activationEval, kvType, value, chunkRows, backend);
  }

  /** The same with another C; 0 leaves it open. */
  public EngineSettings withChunkRows(int value) {
    return new EngineSettings(threads, isa, activationEval, kvType, reproducible, value, backend);
  }

  /** The same with that backend. */
  public EngineSettings withBackend(Backend value) {
    return new EngineSettings(
        threads, isa, activationEval, kvType, reproducible, chunkRows, Optional.of(value));
  }

  /**
   * Demands a backend whose rows do not depend on their neighbours.
   *
   * @param situation what needs it, such as {@code where a model is split}
   * @throws InvalidSettingException if it is for whole models only
   */
  public void requireRowExact(String situation) {
    if (backend.isPresent() && !backend.get().isRowExact()) {
      throw new InvalidSettingException(
          "backend", "must be fast or java " + situation, backend.get());
    }
  }
}
