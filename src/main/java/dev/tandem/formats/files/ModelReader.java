package dev.tandem.formats.files;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;

/** Reads one file format. */
public interface ModelReader {

  /**
   * The formats that it reads, for a message that lists the possibilities; empty if it only refuses
   * them.
   */
  String reads();

  /**
   * Whether a location looks like its format: by names and, if several formats share a name, by the
   * file's first bytes.
   *
   * @throws IOException if the file cannot be read
   */
  boolean accepts(ModelLocation location) throws IOException;

  /**
   * Opens the checkpoint and checks everything except the tokenizer.
   *
   * @param options the user's additions to the files
   * @throws ModelFormatException if a file is malformed, or asks for what is not supported
   * @throws IOException if a file is missing or cannot be read
   */
  Checkpoint read(ModelLocation location, OpenOptions options) throws IOException;
}
