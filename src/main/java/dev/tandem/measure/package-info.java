/**
 * Measurements: speed, agreement of backends, perplexity, and what each kind of kernel contributes.
 * No program needs it to run a model.
 */
package dev.tandem.measure;
