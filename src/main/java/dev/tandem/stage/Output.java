package dev.tandem.stage;

/** The kind of rows that a {@link Span} returns. */
public enum Output {
  /** Rows of the residual stream, before the final norm: dModel columns. */
  HIDDEN,
  /** Rows of the LM head: vocabSize columns. */
  LOGITS
}
