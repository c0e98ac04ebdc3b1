/**
 * Writes checkpoints in other formats, element types and parts. An output file appears under its
 * name only when it is complete.
 */
package dev.tandem.convert;
