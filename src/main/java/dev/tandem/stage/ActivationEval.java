package dev.tandem.stage;

/** How the feed-forward layer's non-linearity is evaluated. */
public enum ActivationEval {
  /** Looked up in a precomputed table of all f16 inputs. */
  TABLE,
  /** Computed in f32. */
  FORMULA
}
