/**
 * Tensors as they are stored: a name, an element type, a shape and where the bytes are, in a file
 * or in memory. Nothing here computes with them.
 */
package dev.tandem.tensor;
