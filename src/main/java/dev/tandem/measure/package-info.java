/**
 * Measurements: speed, agreement of backends, perplexity, and what each kind of kernel contributes.
 * Uses the library as a program would, and no program needs it to run a model.
 */
package dev.tandem.measure;
