package dev.tandem.model;

/** Which elements of a head a rotary position embedding rotates together. */
public enum RopePairing {
  /** No rotation: positions are embedded (GPT-2). */
  NONE,
  /** (2i, 2i+1): Meta's, llama2.c's and GGUF's Llama weights. */
  INTERLEAVED,
  /** (i, i + headDim/2): Hugging Face's Llama weights. */
  HALVES
}
