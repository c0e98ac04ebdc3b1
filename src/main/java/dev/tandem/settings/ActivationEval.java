package dev.tandem.settings;

/** The way to evaluate the feed-forward network's non-linearity. */
public enum ActivationEval {
  /** Looked up in a precomputed table of all f16 inputs. */
  TABLE,
  /** Computed in f32. */
  FORMULA
}
