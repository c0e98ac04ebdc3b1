package dev.tandem.stage;

/** Where rows come from; it decides which kernels compute them (see docs/architecture.md). */
public enum RowKind {
  /** Rows of a prompt, computed in chunks. */
  PROMPT,
  /** Rows of generated tokens, always computed by row-exact kernels. */
  GENERATED
}
