package dev.tandem.protocol;

/** What a step's result carries. */
public enum ReplyKind {
  /** Rows of the residual stream, before the final norm: dModel columns. */
  HIDDEN("hidden"),
  /** Rows of the LM head: vocabSize columns. */
  LOGITS("logits"),
  /** The best candidates only; refused as {@code unsupported} so far. */
  TOPK("topk");

  private final String wireName;

  ReplyKind(String wireName) {
    this.wireName = wireName;
  }

  /** The name in control messages. */
  public String wireName() {
    return wireName;
  }
}
