/**
 * Text to token ids and back by byte pair encoding, of bytes (GPT-2, Llama 3) or of characters
 * (SentencePiece, llama2.c). A {@link Tokenizer} is made from a vocabulary's files by {@code
 * dev.tandem.tokenizer.files}; its {@link dev.tandem.tokenizer.StreamingDecoder} turns ids back
 * into text, one at a time.
 */
package dev.tandem.tokenizer;
