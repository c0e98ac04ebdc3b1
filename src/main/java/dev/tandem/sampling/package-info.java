/**
 * Chooses the next token from a model's logits, as docs/sampling.md specifies to the bit. Uses no
 * other package of the project.
 */
package dev.tandem.sampling;
