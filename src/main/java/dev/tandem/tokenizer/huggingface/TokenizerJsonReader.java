package dev.tandem.tokenizer.huggingface;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.RankedMerges;
import dev.tandem.tokenizer.bpe.StopIds;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Reads Hugging Face's {@code tokenizer.json} with a BPE model. Sources: the documentation of
 * Hugging Face's tokenizers library, and the behaviour of the library; docs/tokenizers.md lists
 * what is supported.
 */
public final class TokenizerJsonReader {
  private static final String FILE = HuggingFaceFile.FILE;

  /** Usual names of the token that begins a text, for files that do not put one before prompts. */
  private static final List<String> BOS_NAMES =
      List.of(StopIds.END_OF_TEXT, "<|begin_of_text|>", "<s>", "<bos>");

  /** A token of {@code added_tokens}. */
  private record Added(int id, boolean special, boolean left, boolean right, boolean normalized) {}

  private final HuggingFaceFile file;
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<String, Added> added = new HashMap<>();

  private TokenizerJsonReader(HuggingFaceFile file) {
    this.file = file;
    ids.putAll(file.vocab);
  }

  /**
   * The tokenizer of such a file.
   *
   * @param stopIds the ids that end a text; if empty, the special tokens with the usual names
   * @throws TokenizerFormatException if the file does not hold that, or asks for what is not
   *     supported; it names the field
   */
  public static Tokenizer read(byte[] tokenizerJson, int... stopIds)
      throws TokenizerFormatException {
    return new BpeTokenizer(
        new TokenizerJsonReader(HuggingFaceFile.parse(tokenizerJson)).spec(stopIds));
  }

  private TokenizerSpec spec(int... stopIds) throws TokenizerFormatException {
    JsonFields model = file.model;
    String type = model.text("type").orElse("BPE"); // GPT-2's own file does not say
    if (!type.equals("BPE")) {
      throw model.wrong("type", "BPE", type);
    }
    if (file.vocab.isEmpty()) {
      throw new TokenizerFormatException(model.path() + ".vocab", "ids by token", "none");
    }
    file.top.ignore("version", "truncation", "padding"); // for batches; prompts are not cut
    readAdded();
    HuggingFacePipeline pipeline = new HuggingFacePipeline(file.top);
    file.top.requireNoMore();
    String[] names = namesById();
    TokenizerSpec spec = new TokenizerSpec(names, types(names), pipeline.byteLevel);
    readModel(spec, pipeline);
    spec.normalizer = pipeline.normalizer;
    spec.preTokenizers = List.copyOf(pipeline.preTokenizers);
    spec.normalizedTokens = addedIds(Added::normalized);
    spec.takeLeft = addedIds(Added::left);
    spec.takeRight = addedIds(Added::right);
    spec.promptPrefix = checked("post_processor", names.length, pipeline.promptPrefix);
    spec.promptSuffix = checked("post_processor", names.length, pipeline.promptSuffix);
    spec.dropsSpace = pipeline.dropsSpace;
    spec.bosId =
        spec.promptPrefix.length > 0
            ? OptionalInt.of(spec.promptPrefix[0])
            : BOS_NAMES.stream().filter(this::isSpecial).mapToInt(ids::get).findFirst();
    Set<Integer> stops = StopIds.of(stopIds);
    spec.stopIds = stops.isEmpty() ? StopIds.byName(spec, Set.of(TokenType.CONTROL)) : stops;
    return spec;
  }

  private boolean isSpecial(String name) {
    Added token = added.get(name);
    return token != null && token.special;
  }

  private void readAdded() throws TokenizerFormatException {
    for (JsonFields token : file.top.objects("added_tokens")) {
      String content = token.requiredText("content");
      int id = token.integer("id");
      if (token.flag("single_word", false)) {
        throw token.wrong("single_word", "false (true is not supported)", content + ": true");
      }
      boolean special = token.flag("special", false);
      Added read =
          new Added(
              id,
              special,
              token.flag("lstrip", false),
              token.flag("rstrip", false),
              token.flag("normalized", !special));
      token.requireNoMore();
      Integer known = ids.put(content, id);
      if ((known != null && known != id) || added.put(content, read) != null) {
        throw new TokenizerFormatException(
            token.path(), "one id for " + Quote.of(content), known + " and " + id);
      }
    }
  }

  private Set<Integer> addedIds(Predicate<Added> which) {
    Set<Integer> matching = new TreeSet<>();
    added.values().stream().filter(which).forEach(token -> matching.add(token.id));
    return matching;
  }

  /**
   * Names of all ids. Gaps between ids are unused tokens; there may be at most as many as other
   * tokens.
   */
  private String[] namesById() throws TokenizerFormatException {
    int maxSize = 2 * ids.size() + 1024;
    int last = -1;
    Set<Integer> used = new HashSet<>(2 * ids.size());
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      int id = entry.getValue();
      if (id < 0 || id >= maxSize || !used.add(id)) {
        throw new TokenizerFormatException(
            FILE + " token " + Quote.of(entry.getKey()),
            "an unused id in 0.." + (maxSize - 1),
            Integer.toString(id));
      }
      last = Math.max(last, id);
    }
    String[] names = new String[last + 1];
    for (int id = 0; id <= last; id++) {
      names[id] = TokenizerSpec.gapName(id);
    }
    ids.forEach((name, id) -> names[id] = name);
    return names;
  }

  private TokenType[] types(String[] names) {
    TokenType[] types = new TokenType[names.length];
    Arrays.fill(types, TokenType.UNUSED);
    ids.values().forEach(id -> types[id] = TokenType.NORMAL);
    added
        .values()
        .forEach(
            token -> types[token.id] = token.special ? TokenType.CONTROL : TokenType.USER_DEFINED);
    return types;
  }

  private void readModel(TokenizerSpec spec, HuggingFacePipeline pipeline)
      throws TokenizerFormatException {
    JsonFields model = file.model;
    requireNone(model, "continuing_subword_prefix");
    requireNone(model, "end_of_word_suffix");
    model.ignore("cache_capacity");
    model.requireZero("dropout");
    spec.ignoreMerges = model.flag("ignore_merges", false);
    if (spec.ignoreMerges && !spec.byteLevel) {
      throw model.wrong("ignore_merges", "false without ByteLevel", true);
    }
    spec.fuseUnknown = model.flag("fuse_unk", false);
    readUnknown(spec, model);
    spec.byteFallback = model.flag("byte_fallback", false);
    if (spec.byteFallback != pipeline.byteFallback) {
      throw model.wrong(
          "byte_fallback", pipeline.byteFallback + ", as the decoder says", spec.byteFallback);
    }
    if (spec.byteFallback) {
      markBytes(spec);
    }
    RankedMerges merges = new RankedMerges(FILE, "merge", file.vocab, file.merges.size() / 2);
    for (int i = 0; i < file.merges.size(); i += 2) {
      merges.add(i / 2, file.merges.get(i), file.merges.get(i + 1));
    }
    spec.merges = merges.table();
    model.requireNoMore();
  }

  private void readUnknown(TokenizerSpec spec, JsonFields model) throws TokenizerFormatException {
    Optional<String> unknown = model.text("unk_token");
    if (unknown.isEmpty()) {
      return;
    }
    Integer id = file.vocab.get(unknown.get());
    if (id == null) {
      throw model.wrong("unk_token", "a token of the vocabulary", unknown.get());
    }
    spec.unknownId = OptionalInt.of(id);
    if (!spec.byteLevel && spec.types[id] == TokenType.CONTROL) {
      spec.types[id] = TokenType.UNKNOWN;
    }
  }

  private void markBytes(TokenizerSpec spec) throws TokenizerFormatException {
    for (int value = 0; value < 256; value++) {
      String name = TokenizerSpec.byteName(value);
      Integer id = file.vocab.get(name);
      if (id == null || spec.types[id] != TokenType.NORMAL) {
        throw new TokenizerFormatException(
            FILE + " model.vocab", "a token " + name + " for byte_fallback", "none");
      }
      spec.types[id] = TokenType.BYTE;
    }
  }

  private static void requireNone(JsonFields model, String key) throws TokenizerFormatException {
    String value = model.text(key).orElse("");
    if (!value.isEmpty()) {
      throw model.wrong(key, "none (others are not supported)", value);
    }
  }

  private static int[] checked(String what, int vocabSize, int[] ids)
      throws TokenizerFormatException {
    for (int id : ids) {
      StopIds.check(FILE + " " + what, vocabSize, id);
    }
    return ids;
  }
}
