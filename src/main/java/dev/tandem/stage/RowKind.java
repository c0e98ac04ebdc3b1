package dev.tandem.stage;

/** The origin of rows, which decides the kernels that compute them (see docs/architecture.md). */
public enum RowKind {
  /** Rows of a prompt, computed in chunks. */
  PROMPT,
  /** Rows of generated tokens, always computed by row-exact kernels. */
  GENERATED
}
