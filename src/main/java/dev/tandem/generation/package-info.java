/**
 * What is asked of a model and what it gives: a request, its result, tokens and log-probabilities.
 * These are values; {@code decoding} has the loop that makes one of the other.
 */
package dev.tandem.generation;
