package dev.tandem.settings;

/** What a server sends back to a client that draws tokens. */
public enum Reply {
  /** Rows of the residual stream; the client computes the logits. */
  HIDDEN(Output.HIDDEN),
  /**
   * The best logits of each row. The client draws from these where they settle the draw, and asks
   * for the whole row where they do not.
   */
  TOPK(Output.LOGITS),
  /** Rows of logits. */
  LOGITS(Output.LOGITS);

  private final Output output;

  Reply(Output output) {
    this.output = output;
  }

  /** The rows that the server computes. */
  public Output output() {
    return output;
  }
}
