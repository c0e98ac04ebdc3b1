/**
 * Checkpoints: finds a model by name or path, reads its file format into one {@link
 * dev.tandem.weights.Checkpoint}, and hashes it so that two machines can tell that they hold the
 * same model. Every format is one reader; all bounds of a file are checked here, before anything
 * touches it.
 */
package dev.tandem.weights;
