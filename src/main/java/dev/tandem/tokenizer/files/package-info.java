/**
 * Tokenizers from their files, and a tokenizer's vocabulary back into a file: {@link
 * dev.tandem.tokenizer.files.Tokenizers} has a method for each format. Every file is checked whole
 * before a tokenizer is made from it.
 */
package dev.tandem.tokenizer.files;
