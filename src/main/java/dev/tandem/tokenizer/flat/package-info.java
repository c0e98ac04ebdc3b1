/**
 * The flat files of small projects: llama2.c's, llm.c's, StaticGrad's, and {@code vocab.bin}. They
 * list the bytes of each token; merges follow from scores or from the order of the ids.
 */
package dev.tandem.tokenizer.flat;
