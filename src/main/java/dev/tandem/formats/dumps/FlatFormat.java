package dev.tandem.formats.dumps;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One of the formats that are a header of integers, or none, and then tensors without names in a
 * fixed order. They share the suffix {@code .bin}, so the content tells them apart.
 */
interface FlatFormat {

  /** What it reads, for a message that lists the possibilities. */
  String reads();

  /** Whether a file that begins with these four bytes can be nothing else. */
  boolean hasMagic(ByteBuffer head);

  /**
   * Looks whether a file is of this format; one that has its magic is.
   *
   * @param stated what the user and a {@code config.json} say
   * @throws ModelFormatException if it is, but is malformed, or more must be said about it
   * @throws IOException if it cannot be read
   */
  Finding examine(OpenFile file, JsonObject stated) throws IOException;

  /**
   * Opens the tokenizer of a model of this format.
   *
   * @throws IOException if its files are missing or malformed
   */
  Tokenizer tokenizer(Folder folder, OpenOptions options, FlatModel model) throws IOException;

  /** What {@link #examine} found. */
  sealed interface Finding permits FlatModel, NotThis {}

  /**
   * The file is of another format.
   *
   * @param reason what does not fit, for a message
   */
  record NotThis(String reason) implements Finding {}

  /**
   * The file is of this format, and its length is right.
   *
   * @param format with its version, for people
   * @param config all that changes the arithmetic
   * @param layout where the tensors are
   * @param notes what was assumed because nothing says it; one line each
   */
  record FlatModel(String format, ModelConfig config, FlatLayout layout, List<String> notes)
      implements Finding {
    /** Copies the list. */
    public FlatModel {
      notes = List.copyOf(notes);
    }
  }
}
