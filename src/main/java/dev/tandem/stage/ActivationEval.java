package dev.tandem.stage;

/** How the feed-forward network's non-linearity is evaluated. */
public enum ActivationEval {
  /** Looked up in a precomputed table of all f16 inputs. */
  TABLE,
  /** Computed in f32. */
  FORMULA
}
