package dev.tandem.formats.files;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;

/** Reads one file format. */
public interface ModelReader {

  /** What it reads, for a message that lists the possibilities; empty if only to refuse it. */
  String reads();

  /**
   * Whether a location looks like its format, judged by names and, where several formats share a
   * name, by the file's first bytes.
   *
   * @throws IOException if these cannot be read
   */
  boolean accepts(ModelLocation location) throws IOException;

  /**
   * Opens the checkpoint; everything but the tokenizer is checked.
   *
   * @param options what the user adds to the files
   * @throws ModelFormatException if a file is malformed, or asks for what is not supported
   * @throws IOException if a file is missing or cannot be read
   */
  Checkpoint read(ModelLocation location, OpenOptions options) throws IOException;
}
