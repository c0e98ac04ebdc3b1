/**
 * GGUF files, versions 2 and 3: header, metadata, tensors, vocabulary, and our own keys for parts
 * of models and their hashes. Files of older versions are recognised and refused.
 */
package dev.tandem.formats.gguf;
