/**
 * SentencePiece's {@code tokenizer.model}, and the rules for unknown characters that other formats
 * take from it.
 */
package dev.tandem.tokenizer.sentencepiece;
