package dev.tandem.settings;

/** What the rows are that come out of a piece of the chain, and that a server sends back. */
public enum Output {
  /** Rows of the residual stream, before the final norm: dModel columns. */
  HIDDEN,
  /** Rows of the LM head: vocabSize columns. */
  LOGITS
}
