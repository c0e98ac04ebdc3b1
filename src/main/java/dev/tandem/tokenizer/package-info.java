/**
 * Text to token ids and back by byte pair encoding, of bytes (GPT-2, Llama 3) or of characters
 * (SentencePiece, llama2.c). {@link dev.tandem.tokenizer.Tokenizers} makes a {@link Tokenizer} from
 * a vocabulary's files; its {@link dev.tandem.tokenizer.StreamingDecoder} gives text back one id at
 * a time.
 */
package dev.tandem.tokenizer;
