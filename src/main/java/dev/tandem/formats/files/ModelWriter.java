package dev.tandem.formats.files;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Writes one file format; stateless. */
public interface ModelWriter {

  /** Its name, in lower case. */
  String format();

  /** The files that it writes, for a message that lists the possibilities. */
  String writes();

  /**
   * Whether a path's name implies this format, such as by its extension; a directory's name implies
   * none.
   */
  default boolean accepts(Path out) {
    return false;
  }

  /** The types that it can hold, always including F32. */
  Set<DType> types();

  /**
   * Notes for the user before a model is written: properties that the format cannot hold, and
   * results that differ in other programs. One line each.
   *
   * @throws ModelFormatException if the format cannot hold the model; the message says why
   * @throws IOException if the model's files must be read and cannot be
   */
  List<Note> notes(Checkpoint checkpoint) throws IOException;

  /**
   * Writes a model as a stream: the memory does not depend on the model's size, except for one
   * tensor.
   *
   * @param checkpoint the model to write, with its tokenizer if the format holds one
   * @param plan the type of each tensor
   * @param temporary the file (or directory) to create. The caller moves it into place, or deletes
   *     it if this fails
   * @param progress receives the progress every few MiB; may stop the work by throwing
   * @throws ModelFormatException if the format cannot hold the model
   * @throws IOException if a file cannot be read or written
   */
  void write(Checkpoint checkpoint, TypePlan plan, Path temporary, ConversionProgress progress)
      throws IOException;
}
