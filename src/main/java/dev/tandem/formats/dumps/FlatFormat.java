package dev.tandem.formats.dumps;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A format of a header of integers, or no header, followed by unnamed tensors in a fixed order.
 * These formats share the suffix {@code .bin}, so the content decides between them.
 */
interface FlatFormat {

  /** The name of the format, for a message that lists the possibilities. */
  String reads();

  /** Whether a file that begins with these four bytes must have this format. */
  boolean hasMagic(ByteBuffer head);

  /**
   * Checks whether a file has this format; a file with its magic number has.
   *
   * @param stated the statements of the user and of a {@code config.json}
   * @throws ModelFormatException if the file has this format but is malformed, or if the user must
   *     state more about it
   * @throws IOException if the file cannot be read
   */
  Finding examine(OpenFile file, JsonObject stated) throws IOException;

  /**
   * Opens the tokenizer of a model of this format.
   *
   * @throws IOException if its files are missing or malformed
   */
  Tokenizer tokenizer(Folder folder, FlatModel model) throws IOException;

  /** What {@link #examine} found. */
  sealed interface Finding permits FlatModel, Undecided, NotThis {}

  /**
   * The file has another format.
   *
   * @param reason the reason, for a message
   * @param remedies settings with which it would have this one
   */
  record NotThis(String reason, List<Remedy> remedies) implements Finding {}

  /**
   * The file is of this format, and its length is right, but it can be read in two ways.
   *
   * @param first one of them
   * @param second the other one; it has the same tokens
   * @param question what to ask the user if nothing else decides
   */
  record Undecided(FlatModel first, FlatModel second, ModelFormatException question)
      implements Finding {}

  /**
   * The file is of this format, and its length is right.
   *
   * @param format the name and version of the format, for messages
   * @param config the model's configuration
   * @param layout where the tensors are
   * @param notes the assumptions that were made
   */
  record FlatModel(String format, ModelConfig config, FlatLayout layout, List<Note> notes)
      implements Finding {
    /** Copies the list. */
    public FlatModel {
      notes = List.copyOf(notes);
    }
  }
}
