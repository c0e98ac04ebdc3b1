package dev.tandem.stage;

/**
 * A kernel of mode fast for the chunks of prompts. Its bits differ from those of the row-exact
 * kernels, which compute everything else.
 */
public enum PromptKernel {
  /** The BLAS, for f32 matrices: its bits depend on the chunks, its version and its core. */
  SGEMM,

  /** The x86 instruction of this name, for bf16 matrices. */
  VDPBF16PS
}
