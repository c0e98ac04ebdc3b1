/**
 * The files of a Hugging Face directory: {@code tokenizer.json}, GPT-2's {@code vocab.json} and
 * {@code merges.txt}, and the small files beside them, which add tokens and settings.
 */
package dev.tandem.tokenizer.huggingface;
