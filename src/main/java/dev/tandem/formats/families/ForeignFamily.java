package dev.tandem.formats.families;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.settings.Note;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** The names, layouts and config of one family of models, independent of the container. */
interface ForeignFamily {

  /** Whether tensors have the names of this family. */
  boolean recognises(NamedTensors stored);

  /**
   * Makes a model of tensors.
   *
   * @param stored tensors of this family
   * @param config the config's members; none if there is no config
   * @throws ModelFormatException if the config asks for what is not supported, or tensors are
   *     missing, superfluous, or of the wrong shape or type
   * @throws IOException if a file cannot be read
   */
  Model read(NamedTensors stored, JsonObject config) throws IOException;

  /**
   * Opens the tokenizer of a model of this family.
   *
   * @param vocabSize how many ids the model has
   * @param stopIds the ids that end a text, as far as the model's configuration says
   * @throws IOException if its files are missing or malformed
   */
  default Tokenizer tokenizer(Folder folder, int vocabSize, int... stopIds) throws IOException {
    return new TokenizerFolder(folder).ofModel(vocabSize, stopIds);
  }

  /**
   * A model as this program names things.
   *
   * @param family the family in words, such as {@code Hugging Face GPT-2}
   * @param tensors by canonical name, as {@link TensorPlan} lists them
   * @param notes the assumptions that were made
   */
  record Model(String family, ModelConfig config, Map<String, Tensor> tensors, List<Note> notes) {}
}
