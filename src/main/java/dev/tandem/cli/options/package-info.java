/**
 * Options that several commands share: which model, which tokenizer, how the arithmetic is done.
 */
package dev.tandem.cli.options;
