package dev.tandem.formats.dumps;

import dev.tandem.formats.dumps.Gpt2Dumps.Described;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * StaticGrad's GPT-2 checkpoints: the f32 tensors of {@code named_parameters()} and nothing else,
 * linear layers {@code [in, out]}. The user or a {@code config.json} states the shape; otherwise it
 * is that of the GPT-2 whose parameters have the file's length.
 */
final class HeaderlessGpt2Format implements FlatFormat {
  /** The fields that decide the length; the number of heads does not. */
  private static final List<String> SHAPE =
      List.of("n_layer", "n_embd", "vocab_size", "n_positions");

  private static final Map<String, Map<String, Integer>> KNOWN = new LinkedHashMap<>();

  static {
    KNOWN.put("gpt2", shape(12, 12, 768));
    KNOWN.put("gpt2-medium", shape(24, 16, 1024));
    KNOWN.put("gpt2-large", shape(36, 20, 1280));
    KNOWN.put("gpt2-xl", shape(48, 25, 1600));
    KNOWN.put("distilgpt2", shape(6, 12, 768));
  }

  private static Map<String, Integer> shape(int nLayers, int nHeads, int dModel) {
    return Map.of(
        "n_layer", nLayers,
        "n_head", nHeads,
        "n_embd", dModel,
        "vocab_size", 50257,
        "n_positions", 1024);
  }

  @Override
  public String reads() {
    return "headerless GPT-2";
  }

  @Override
  public boolean hasMagic(ByteBuffer head) {
    return false;
  }

  @Override
  public Finding examine(OpenFile file, JsonObject stated) throws IOException {
    return SHAPE.stream().anyMatch(stated::has) ? ofStated(file, stated) : ofKnown(file, stated);
  }

  private static Finding ofStated(OpenFile file, JsonObject stated) {
    try {
      Described described = Gpt2Dumps.describe(stated, Map.of());
      FlatLayout layout = Gpt2Dumps.inParameterOrder(described.config(), 0, true);
      return layout.fits(file)
          ? model(described.config(), layout, described.notes())
          : new NotThis(layout.end() + " B for the config", List.of());
    } catch (ModelFormatException e) {
      return new NotThis(e.problem(), e.remedies());
    }
  }

  private static Finding ofKnown(OpenFile file, JsonObject stated) throws ModelFormatException {
    for (Map.Entry<String, Map<String, Integer>> known : KNOWN.entrySet()) {
      ModelConfig bare = Gpt2Dumps.config(JsonObject.empty(file.path()), known.getValue());
      if (Gpt2Dumps.inParameterOrder(bare, 0, true).fits(file)) {
        ModelConfig config = Gpt2Dumps.config(stated, known.getValue());
        FlatLayout layout = Gpt2Dumps.inParameterOrder(config, 0, true);
        layout.check(file); // n_inner may have been stated
        return model(
            config,
            layout,
            List.of(
                new Note(
                    file.path()
                        + " has the length of "
                        + known.getKey()
                        + " and is read as that model")));
      }
    }
    List<String> names = new ArrayList<>(KNOWN.keySet());
    return new NotThis(
        "not of the length of " + String.join(", ", names),
        List.of(
            Remedy.config(
                "KEY",
                "NUMBER",
                "for another n_layer, n_head, n_embd, vocab_size and n_positions")));
  }

  private static FlatModel model(ModelConfig config, FlatLayout layout, List<Note> notes) {
    return new FlatModel("GPT-2 parameters without a header", config, layout, notes);
  }

  @Override
  public Tokenizer tokenizer(Folder folder, FlatModel model) throws IOException {
    return new TokenizerFolder(folder).ofModel(model.config().vocabSize());
  }
}
