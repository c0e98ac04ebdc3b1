package dev.tandem.sampling;

/** Which random numbers, and with them which rule of drawing, a {@link Sampler} uses. */
public enum Rng {
  /** Gumbel-max over noise that belongs to (seed, position, token id): docs/sampling.md. */
  PHILOX,
  /** llama2.c's xorshift stream and its softmax and top-p in f32, for comparison with it. */
  LLAMA2C
}
