package dev.tandem.config;

/** How hidden states are normalised. */
public enum NormKind {
  /** Mean and variance, gain and bias (GPT-2). */
  LAYER,
  /** Root mean square, gain only (Llama). */
  RMS
}
