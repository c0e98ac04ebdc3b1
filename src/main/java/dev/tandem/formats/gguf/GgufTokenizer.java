package dev.tandem.formats.gguf;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Remedy;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** Tokenizers in the metadata of GGUF files: {@code tokenizer.ggml.*}, and our own keys. */
public final class GgufTokenizer {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String MODEL = PREFIX + "model";
  private static final String PRE = PREFIX + "pre";
  private static final String TOKENS = PREFIX + "tokens";
  private static final String SCORES = PREFIX + "scores";
  private static final String TOKEN_TYPES = PREFIX + "token_type";
  private static final String MERGES = PREFIX + "merges";
  private static final String BOS_ID = PREFIX + "bos_token_id";
  private static final String EOS_ID = PREFIX + "eos_token_id";
  private static final String EOT_ID = PREFIX + "eot_token_id";
  private static final String UNKNOWN_ID = PREFIX + "unknown_token_id";
  private static final String ADD_BOS = PREFIX + "add_bos_token";
  private static final String ADD_EOS = PREFIX + "add_eos_token";
  private static final String ADD_SPACE = PREFIX + "add_space_prefix";

  /** The largest number of tokens of a model; a known tokenizer has at most two merges for each. */
  private static final int MAX_TOKENS = 1 << 24;

  private GgufTokenizer() {}

  /** Whether a file begins like a GGUF file. */
  public static boolean accepts(Folder folder, String file) throws IOException {
    try (OpenFile open = folder.open(file)) {
      return open.data().bytes() >= Integer.BYTES
          && open.data().slice(0, Integer.BYTES).getInt() == GgufFile.MAGIC;
    }
  }

  /** The tokenizer of a GGUF file; the file's tensors are not read. */
  public static Tokenizer open(Folder folder, String file) throws IOException {
    try (OpenFile open = folder.open(file)) {
      return read(GgufFile.read(open.path(), open.data()));
    }
  }

  /**
   * The tokenizer of a file.
   *
   * @throws ModelFormatException if the file has no tokenizer, or a malformed or unsupported one
   */
  static Tokenizer read(GgufFile file) throws IOException {
    GgufMetadata keys = file.metadata();
    if (!keys.has(MODEL)) {
      throw new ModelFormatException(
          file.path(), "no tokenizer in this GGUF file", Remedy.set("tokenizer", "PATH", ""));
    }
    try {
      return Tokenizers.gguf(vocabulary(keys));
    } catch (TokenizerFormatException e) {
      ModelFormatException malformed =
          new ModelFormatException(file.path(), String.valueOf(e.getMessage()));
      malformed.initCause(e);
      throw malformed;
    }
  }

  private static GgufVocabulary vocabulary(GgufMetadata keys) throws IOException {
    Map<String, String> own = new TreeMap<>();
    for (String key : keys.keys()) {
      if (key.startsWith(GgufVocabulary.OWN_PREFIX)) {
        own.put(key.substring(GgufVocabulary.OWN_PREFIX.length()), keys.text(key));
      }
    }
    return new GgufVocabulary(
        keys.text(MODEL),
        keys.text(PRE, ""),
        keys.has(TOKENS) ? List.of(keys.texts(TOKENS, MAX_TOKENS)) : List.of(),
        keys.has(SCORES) ? keys.reals(SCORES, MAX_TOKENS) : List.of(),
        tokenTypes(keys),
        keys.has(MERGES) ? List.of(keys.texts(MERGES, MAX_TOKENS)) : List.of(),
        id(keys, BOS_ID),
        id(keys, EOS_ID),
        id(keys, EOT_ID),
        id(keys, UNKNOWN_ID),
        flag(keys, ADD_BOS),
        flag(keys, ADD_EOS),
        flag(keys, ADD_SPACE),
        own);
  }

  private static List<Integer> tokenTypes(GgufMetadata keys) throws IOException {
    return keys.has(TOKEN_TYPES)
        ? LongStream.of(keys.integers(TOKEN_TYPES, MAX_TOKENS))
            .mapToObj(type -> (int) Math.max(-1, Math.min(type, Integer.MAX_VALUE)))
            .toList()
        : List.of();
  }

  private static OptionalInt id(GgufMetadata keys, String key) throws IOException {
    return keys.has(key) ? OptionalInt.of(keys.integer(key)) : OptionalInt.empty();
  }

  private static Optional<Boolean> flag(GgufMetadata keys, String key) throws IOException {
    return keys.has(key) ? Optional.of(keys.flag(key, false)) : Optional.empty();
  }

  /** Adds the keys of a tokenizer to a header. */
  static void write(GgufHeader header, GgufVocabulary vocabulary) {
    header.text(MODEL, vocabulary.model());
    if (!vocabulary.pre().isEmpty()) {
      header.text(PRE, vocabulary.pre());
    }
    header.texts(TOKENS, vocabulary.tokens());
    if (!vocabulary.scores().isEmpty()) {
      header.f32s(SCORES, vocabulary.scores());
    }
    if (!vocabulary.tokenTypes().isEmpty()) {
      header.i32s(TOKEN_TYPES, vocabulary.tokenTypes());
    }
    if (!vocabulary.merges().isEmpty()) {
      header.texts(MERGES, vocabulary.merges());
    }
    vocabulary.bosId().ifPresent(id -> header.u32(BOS_ID, id));
    vocabulary.eosId().ifPresent(id -> header.u32(EOS_ID, id));
    vocabulary.eotId().ifPresent(id -> header.u32(EOT_ID, id));
    vocabulary.unknownId().ifPresent(id -> header.u32(UNKNOWN_ID, id));
    vocabulary.addBos().ifPresent(flag -> header.flag(ADD_BOS, flag));
    vocabulary.addEos().ifPresent(flag -> header.flag(ADD_EOS, flag));
    vocabulary.addSpacePrefix().ifPresent(flag -> header.flag(ADD_SPACE, flag));
    new TreeMap<>(vocabulary.own())
        .forEach((key, value) -> header.text(GgufVocabulary.OWN_PREFIX + key, value));
  }

  /** The properties of a tokenizer that other programs do not read; one line each. */
  static List<String> notes(GgufVocabulary vocabulary) {
    Map<String, String> own = new TreeMap<>(vocabulary.own());
    return own.isEmpty()
        ? List.of()
        : List.of(
            "llama.cpp does not read these keys of the tokenizer, and may split some texts or end"
                + " them differently: "
                + String.join(", ", own.keySet()));
  }

  /**
   * The values of the keys for a model's tokenizer.
   *
   * @throws ModelFormatException if GGUF cannot hold it
   * @throws IOException if the tokenizer's files are missing or cannot be read
   */
  static GgufVocabulary vocabularyOf(Checkpoint checkpoint) throws IOException {
    try {
      return Tokenizers.vocabularyOf(checkpoint.tokenizer());
    } catch (UnsupportedOperationException e) {
      ModelFormatException cannot =
          new ModelFormatException(checkpoint.name(), String.valueOf(e.getMessage()));
      cannot.initCause(e);
      throw cannot;
    }
  }
}
