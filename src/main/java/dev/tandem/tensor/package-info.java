/**
 * Tensors as they are stored: a name, an element type, a shape, and bytes in a file or in memory.
 * This package encodes and decodes element types, but computes nothing else.
 */
package dev.tandem.tensor;
