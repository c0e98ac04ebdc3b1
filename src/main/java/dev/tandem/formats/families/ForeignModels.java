package dev.tandem.formats.families;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.files.UnreadFields;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Makes checkpoints of foreign tensors, independent of the container. */
public final class ForeignModels {
  private static final String GENERATION_CONFIG = "generation_config.json";
  private static final int MAX_CONFIG_BYTES = 1 << 20;

  private static final int GPT2_VOCAB_SIZE = 50_257;

  private static final int GPT2_END_OF_TEXT = 50_256;

  /**
   * As Megatron rounds it up for 8 parts, so that matrices are of a convenient size; nanoGPT rounds
   * it to 50,304.
   */
  private static final int PADDED_GPT2_VOCAB_SIZE = 51_200;

  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer.model",
          "vocab.json",
          "merges.txt",
          "tokenizer.bin",
          "vocab.bin",
          "gpt2_tokenizer.bin");

  private static final List<ForeignFamily> FAMILIES =
      List.of(new Gpt2Family(), new LlamaFamily(), new TutorialFamily(), new MetaFamily());

  /** The note to the user for {@link #hasBuiltInTokenizer}. */
  public static final Note BUILT_IN_NOTE =
      new Note("assumed GPT-2's own tokenizer, because there are no tokenizer files beside it");

  private ForeignModels() {}

  /**
   * Makes a checkpoint of files; the checkpoint closes them.
   *
   * @param container the files' format, for messages
   * @throws ModelFormatException if the files are malformed or ask for what is not supported
   * @throws IOException if a file cannot be read
   */
  public static Checkpoint checkpoint(
      ModelLocation location, OpenOptions options, ForeignFiles files, String container)
      throws IOException {
    Folder folder = location.folder();
    JsonObject config = options.configOf(folder, files.config());
    NamedTensors stored = new NamedTensors(files);
    ForeignFamily family = family(stored, config);
    ForeignFamily.Model model = family.read(stored, config);
    int[] stopIds = stopIds(config, folder);
    boolean builtIn = hasBuiltInTokenizer(location, options, model.config(), stopIds);
    List<Note> notes = new ArrayList<>(files.notes());
    notes.addAll(model.notes());
    notes.addAll(UnreadFields.check(config));
    Arrays.stream(stopIds)
        .filter(id -> id >= model.config().vocabSize())
        .forEach(
            id ->
                notes.add(new Note("token " + id + " ends no text: the model has no such token")));
    if (builtIn) {
      notes.add(BUILT_IN_NOTE);
    }
    return Checkpoint.builder(location.name(), model.config())
        .format(model.family() + " (" + container + ")")
        .tensors(model.tensors())
        .tokenizer(
            () ->
                builtIn
                    ? Tokenizers.fitted(Tokenizers.gpt2(), model.config().vocabSize())
                    : family.tokenizer(folder, model.config().vocabSize(), stopIds))
        .files(files.closeables())
        .notes(notes)
        .build();
  }

  private static ForeignFamily family(NamedTensors stored, JsonObject config)
      throws ModelFormatException {
    for (ForeignFamily family : FAMILIES) {
      if (family.recognises(stored)) {
        return family;
      }
    }
    throw config.has("model_type")
        ? config.wrong("model_type", "a GPT-2, Llama, Mistral or Qwen2")
        : new ModelFormatException(
            stored.path(),
            "tensors' names",
            "those of a GPT-2 (wte.weight; tok_emb.weight) or a Llama (embed_tokens.weight;"
                + " tok_embeddings.weight)",
            stored.anyName());
  }

  /**
   * Whether to use GPT-2's own tokenizer: models trained with it seldom have tokenizer files beside
   * them.
   */
  public static boolean hasBuiltInTokenizer(
      ModelLocation location, OpenOptions options, ModelConfig config, int[] stopIds) {
    return config.architecture() == Architecture.GPT2
        && config.vocabSize() >= GPT2_VOCAB_SIZE
        && config.vocabSize() <= PADDED_GPT2_VOCAB_SIZE
        && Arrays.stream(stopIds).allMatch(id -> id == GPT2_END_OF_TEXT)
        && options.tokenizer().isEmpty()
        && TOKENIZER_FILES.stream().noneMatch(location.folder()::contains);
  }

  /** The ids that end a text, from the config and from the generation config. */
  private static int[] stopIds(JsonObject config, Folder folder) throws IOException {
    int[] stated = config.integers("eos_token_id");
    if (!folder.contains(GENERATION_CONFIG)) {
      return stated;
    }
    JsonObject generation =
        JsonObject.parse(
            folder.path(GENERATION_CONFIG), folder.readAll(GENERATION_CONFIG, MAX_CONFIG_BYTES));
    return IntStream.concat(
            Arrays.stream(stated), Arrays.stream(generation.integers("eos_token_id")))
        .distinct()
        .toArray();
  }
}
