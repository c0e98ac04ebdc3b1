package dev.tandem.weights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Reads one file format. */
interface ModelReader {

  /** What it reads, for a message that lists the possibilities. */
  String reads();

  /** Whether a location looks like its format, judged by names alone. */
  boolean accepts(ModelLocation location);

  /**
   * Opens the checkpoint; everything but the tokenizer is checked.
   *
   * @param tokenizer given in place of the model's own
   * @throws ModelFormatException if a file is malformed, or asks for what is not supported
   * @throws IOException if a file is missing or cannot be read
   */
  Checkpoint read(ModelLocation location, Optional<Path> tokenizer) throws IOException;
}
