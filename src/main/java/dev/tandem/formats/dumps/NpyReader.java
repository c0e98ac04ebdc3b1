package dev.tandem.formats.dumps;

import dev.tandem.formats.dumps.Gpt2Dumps.Described;
import dev.tandem.formats.families.ForeignModels;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.formats.files.UnreadFields;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.model.TensorPlan;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.stage.Span;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A pair of {@code .npy} files: the token and the position embedding of a GPT-2, for a client whose
 * layers and head are on a server. The files cannot show the model's hash, so their two tensors are
 * compared with the server's. The user must state what the files lack, at least the number of
 * layers.
 */
public final class NpyReader implements ModelReader {
  private static final String SUFFIX = ".npy";

  /** Names of the token embedding in a directory. */
  private static final List<String> TOKEN_FILES =
      List.of("wte", "token_embd", "token_embedding", "token_embeddings", "tok_emb");

  /** Words in its name, and the words in the same place of the position embedding's name. */
  private static final Map<String, List<String>> WORDS = new LinkedHashMap<>();

  static {
    WORDS.put("wte", List.of("wpe"));
    WORDS.put("token", List.of("position", "pos"));
    WORDS.put("tok", List.of("pos", "position"));
  }

  private record Pair(String tokens, String positions) {}

  @Override
  public String reads() {
    return "embeddings as wte.npy and wpe.npy";
  }

  @Override
  public boolean accepts(ModelLocation location) {
    return location.file().isPresent()
        ? location.file().get().endsWith(SUFFIX)
        : TOKEN_FILES.stream().anyMatch(file -> pair(location.folder(), file + SUFFIX).isPresent());
  }

  private static Optional<Pair> pair(Folder folder, String tokens) {
    for (Map.Entry<String, List<String>> word : WORDS.entrySet()) {
      for (String other : word.getValue()) {
        String positions = tokens.replace(word.getKey(), other);
        if (!positions.equals(tokens) && folder.contains(tokens) && folder.contains(positions)) {
          return Optional.of(new Pair(tokens, positions));
        }
      }
    }
    return Optional.empty();
  }

  private static Pair pair(ModelLocation location) throws ModelFormatException {
    List<String> tokens =
        location.file().map(List::of).orElse(TOKEN_FILES.stream().map(f -> f + SUFFIX).toList());
    for (String file : tokens) {
      Optional<Pair> pair = pair(location.folder(), file);
      if (pair.isPresent()) {
        return pair.get();
      }
    }
    throw new ModelFormatException(
        location.path(),
        "the position embedding is not beside it; the pair must be named like wte.npy and wpe.npy,"
            + " or token_embd.npy and position_embd.npy");
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    Pair pair = pair(location);
    List<Closeable> files = new ArrayList<>();
    try {
      NpyFile tokens = open(folder, pair.tokens(), files);
      NpyFile positions = open(folder, pair.positions(), files);
      if (positions.cols() != tokens.cols()) {
        throw new ModelFormatException(
            folder.path(pair.positions()),
            "shape",
            tokens.cols() + " columns, as " + pair.tokens() + " has",
            "" + positions.cols());
      }
      JsonObject stated = options.configOf(folder);
      Described described = describe(stated, tokens, positions);
      ModelConfig config = described.config();
      boolean builtIn = ForeignModels.hasBuiltInTokenizer(location, options, config, new int[0]);
      List<Note> notes = new ArrayList<>(described.notes());
      notes.addAll(UnreadFields.check(stated));
      if (builtIn) {
        notes.add(ForeignModels.BUILT_IN_NOTE);
      }
      TensorPlan plan = TensorPlan.of(config);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (Map.Entry<String, NpyFile> entry :
          List.of(
              Map.entry(TensorPlan.TOKEN_EMBEDDING, tokens),
              Map.entry(TensorPlan.POSITION_EMBEDDING, positions))) {
        NpyFile npy = entry.getValue();
        tensors.put(
            entry.getKey(), plan.spec(entry.getKey()).tensor(npy.dtype(), false, npy.data()));
      }
      return Checkpoint.builder(location.name(), config)
          .format("GPT-2 embeddings (.npy)")
          .tensors(tensors)
          .tokenizer(
              () ->
                  builtIn
                      ? Tokenizers.fitted(Tokenizers.gpt2(), config.vocabSize())
                      : new TokenizerFolder(folder).ofModel(config.vocabSize()))
          .files(files)
          .notes(notes)
          .part(new ModelPart(true, Span.layers(0, 0), false))
          .build();
    } catch (IOException | RuntimeException e) {
      for (Closeable file : files) {
        file.close();
      }
      throw e;
    }
  }

  private static NpyFile open(Folder folder, String name, List<Closeable> files)
      throws IOException {
    OpenFile file = folder.open(name);
    files.addAll(file.closeables());
    return NpyFile.read(file);
  }

  private static Described describe(JsonObject stated, NpyFile tokens, NpyFile positions)
      throws ModelFormatException {
    if (!stated.has("n_layer")) {
      throw stated.wrong(
          "n_layer", "the number of the model's layers", Remedy.config("n_layer", "NUMBER"));
    }
    return Gpt2Dumps.describe(
        stated,
        Map.of(
            "n_embd", tokens.cols(),
            "vocab_size", tokens.rows(),
            "n_positions", positions.rows()));
  }
}
