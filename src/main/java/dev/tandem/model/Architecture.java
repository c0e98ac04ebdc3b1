package dev.tandem.model;

import java.util.Arrays;
import java.util.Optional;

/**
 * A family of models: which layers they have, in GGUF's words. What one model of a family has of
 * its own is in its {@link ModelConfig}.
 */
public enum Architecture {
  /** Learned positions, queries, keys and values in one matrix, GELU. */
  GPT2("gpt2", RopePairing.NONE, Activation.GELU_TANH),
  /** Rotary positions, a gated feed-forward network, SiLU. */
  LLAMA("llama", RopePairing.INTERLEAVED, Activation.SILU);

  private final String id;
  private final RopePairing usualRope;
  private final Activation usualActivation;

  Architecture(String id, RopePairing usualRope, Activation usualActivation) {
    this.id = id;
    this.usualRope = usualRope;
    this.usualActivation = usualActivation;
  }

  /** The architecture of this name, if there is one. */
  public static Optional<Architecture> of(String id) {
    return Arrays.stream(values()).filter(known -> known.id.equals(id)).findFirst();
  }

  /** Whether queries, keys and values are one matrix. */
  public boolean hasFusedQkv() {
    return this == GPT2;
  }

  /** How llama.cpp pairs the dimensions of rotary positions in a model of this kind. */
  public RopePairing usualRope() {
    return usualRope;
  }

  /** The activation that llama.cpp computes in a model of this kind. */
  public Activation usualActivation() {
    return usualActivation;
  }

  /** Its name, as in {@code general.architecture} of GGUF and in the model hash. */
  @Override
  public String toString() {
    return id;
  }
}
