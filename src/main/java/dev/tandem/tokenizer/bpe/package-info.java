/**
 * Byte pair encoding, the one implementation of a tokenizer: a specification, its merges, and the
 * search for them in a text. Rooms for the kinds of files fill the specification.
 */
package dev.tandem.tokenizer.bpe;
