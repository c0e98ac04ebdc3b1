package dev.tandem.model;

/**
 * The feed-forward network's non-linearity; the tanh and erf forms of GELU are different functions.
 */
public enum Activation {
  GELU_TANH,
  GELU_ERF,
  SILU
}
