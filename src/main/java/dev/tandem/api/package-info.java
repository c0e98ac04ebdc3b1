/**
 * What a program uses: {@link dev.tandem.api.Tandem} opens models, whole or split, and starts
 * servers. With {@code generation}, {@code tokenizer} and {@code settings} it is all that the
 * module exports for running models.
 */
package dev.tandem.api;
