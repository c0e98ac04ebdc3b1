package dev.tandem.sampling;

/** The random numbers, and with them the rule of drawing, that a {@link Sampler} uses. */
public enum Rng {
  /** Gumbel-max over noise that belongs to (seed, position, token id): docs/sampling.md. */
  PHILOX,
  /** llama2.c's xorshift stream and its softmax and top-p in f32, for comparison with it. */
  LLAMA2C
}
