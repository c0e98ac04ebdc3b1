/** Commands that turn text into text or ids in one process: generate, tokenize, detokenize. */
package dev.tandem.cli.text;
