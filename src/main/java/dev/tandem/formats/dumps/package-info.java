/**
 * Flat files of numbers, as small training programs write them: llama2.c, llm.c, {@code model.bin},
 * files without a header, and NumPy arrays. What such files do not say comes from a config.
 */
package dev.tandem.formats.dumps;
