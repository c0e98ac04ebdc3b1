package dev.tandem.generation;

/** Why a generation ended. */
public enum FinishReason {
  /** The model drew a stop id, or the text reached a stop string. */
  STOP,
  /** The requested number of tokens was generated, or the context is full. */
  LENGTH,
  /** Its user cancelled it. */
  CANCELLED
}
