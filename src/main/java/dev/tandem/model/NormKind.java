package dev.tandem.model;

/** How hidden states are normalised. */
public enum NormKind {
  /** Mean and variance, gain and bias (GPT-2). */
  LAYER,
  /** Root mean square, gain only (Llama). */
  RMS
}
