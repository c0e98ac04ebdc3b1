package dev.tandem.stage;

/** What the rows are that come out of a {@link Span}. */
public enum Output {
  /** Rows of the residual stream, before the final norm: dModel columns. */
  HIDDEN,
  /** Rows of the LM head: vocabSize columns. */
  LOGITS
}
