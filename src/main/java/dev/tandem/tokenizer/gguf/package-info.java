/**
 * The vocabulary in the metadata of a GGUF file, into a tokenizer and back. {@code formats.gguf}
 * reads and writes the file itself.
 */
package dev.tandem.tokenizer.gguf;
