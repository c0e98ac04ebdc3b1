package dev.tandem.stage;

/**
 * A kernel of mode fast that computes the chunks of prompts and gives other bits than the row-exact
 * kernels, which compute everything else.
 */
public enum PromptKernel {
  /** The BLAS, for f32 matrices: its bits depend on the chunks, its version and its core. */
  SGEMM,

  /** The instruction of that name of x86 processors, for bf16 matrices. */
  VDPBF16PS
}
