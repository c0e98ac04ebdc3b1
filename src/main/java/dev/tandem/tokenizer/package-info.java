/**
 * Text to token ids and back: byte-level BPE as in GPT-2, and SentencePiece-style BPE as in
 * llama2.c. {@link dev.tandem.tokenizer.Tokenizers} makes a {@link dev.tandem.tokenizer.Tokenizer}
 * from a vocabulary's files; its {@link dev.tandem.tokenizer.StreamingDecoder} gives text back one
 * id at a time.
 */
package dev.tandem.tokenizer;
