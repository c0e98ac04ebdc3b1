/**
 * Writes checkpoints in other formats, element types and parts, and converts a model in memory. An
 * output file appears under its name only when it is complete.
 */
package dev.tandem.convert;
