/**
 * What a model is: everything that changes its arithmetic, whatever file it came from, its tensors,
 * the part of it that is here, and the hash by which two machines can tell that they hold the same
 * model. The names here are ours; foreign names exist only in the readers of foreign files.
 */
package dev.tandem.model;
