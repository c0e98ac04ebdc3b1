package dev.tandem.protocol;

/** Kinds of tensor frames; the number on the wire is the ordinal + 1. */
public enum FrameKind {
  /** Client to server: rows to compute. */
  STEP,
  /** Server to client: the rows wanted. */
  RESULT
}
