package dev.tandem.formats.files;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Writes one file format; stateless. */
public interface ModelWriter {

  /** Its name for {@code --format}, in lower case. */
  String format();

  /** What it writes, for a message that lists the possibilities. */
  String writes();

  /**
   * Whether a path's name says that this format is meant, such as by its extension; a directory's
   * name says nothing.
   */
  default boolean accepts(Path out) {
    return false;
  }

  /** The types that it can hold; F32 is among them. */
  Set<DType> types();

  /**
   * What a user should know before a model is written: what the format cannot say, and what other
   * programs would compute in another way. One line each.
   *
   * @throws ModelFormatException if the format cannot hold the model at all, saying why
   * @throws IOException if something must be looked up in the model's files and cannot be
   */
  List<String> notes(Checkpoint checkpoint) throws IOException;

  /**
   * Writes a model, streaming: memory is bounded whatever the model's size, but for one tensor.
   *
   * @param checkpoint what to write, with its tokenizer if the format holds one
   * @param plan the type of each tensor
   * @param temporary where to write: a file (or directory) that is not there yet. The caller moves
   *     it into place, or deletes it if this fails
   * @param progress told of every few MiB; may give up by throwing
   * @throws ModelFormatException if the format cannot hold the model
   * @throws IOException if a file cannot be read or written
   */
  void write(Checkpoint checkpoint, TypePlan plan, Path temporary, ConversionProgress progress)
      throws IOException;
}
