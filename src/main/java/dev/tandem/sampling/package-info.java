/**
 * Chooses the next token from a model's logits, as docs/sampling.md specifies to the bit. {@code
 * settings} has the options.
 */
package dev.tandem.sampling;
