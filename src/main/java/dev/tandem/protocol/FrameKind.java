package dev.tandem.protocol;

/** Kinds of tensor frames. */
public enum FrameKind {
  /** Client to server: rows to compute. */
  STEP(1),
  /** Server to client: the output rows. */
  RESULT(2),
  /** Server to client: the best logits of the output rows. */
  TOP_K(3);

  private final int wireNumber;

  FrameKind(int wireNumber) {
    this.wireNumber = wireNumber;
  }

  /** The number in tensor frames. */
  int wireNumber() {
    return wireNumber;
  }
}
