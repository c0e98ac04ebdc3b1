package dev.tandem.tokenizer.huggingface;

import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.text.IntBuilder;
import dev.tandem.tokenizer.text.Metaspace;
import dev.tandem.tokenizer.text.Normalizer;
import dev.tandem.tokenizer.text.PreTokenizer;
import dev.tandem.tokenizer.text.PrefixSpace;
import dev.tandem.tokenizer.text.Spaces;
import dev.tandem.tokenizer.text.SplitPattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The steps around the merges in a {@code tokenizer.json}: normalizer, pre-tokenizer,
 * post-processor, decoder. An unknown step is an error that names it.
 */
final class HuggingFacePipeline {
  private static final String SPACE = " ";
  private static final String ESCAPED = String.valueOf(Spaces.ESCAPED);

  /** Long enough to show all known split patterns. */
  private static final int MAX_PATTERN_CHARS = 300;

  final Normalizer normalizer;
  final List<PreTokenizer> preTokenizers = new ArrayList<>();
  final boolean byteLevel;
  final boolean byteFallback;
  final boolean dropsSpace;

  /** The written forms of the tokens before and after a prompt. */
  int[] promptPrefix = {};

  int[] promptSuffix = {};

  /** The types of the decoders, in order. */
  private final Set<String> decoders = new HashSet<>();

  HuggingFacePipeline(JsonFields top) throws TokenizerFormatException {
    boolean nfc = false;
    Set<String> normalizers = new HashSet<>();
    for (JsonFields part : parts(top, "normalizer", "normalizers")) {
      String type = readNormalizer(part);
      nfc |= type.equals("NFC");
      if (!normalizers.add(type)) {
        throw new TokenizerFormatException(part.path(), "each type once", type + " twice");
      }
    }
    boolean prepends = normalizers.contains("Prepend");
    boolean replaces = normalizers.contains("Replace");
    if (prepends && !replaces) {
      throw new TokenizerFormatException(
          top.path() + ".normalizer", "Prepend together with Replace", "Prepend without Replace");
    }
    for (JsonFields part : parts(top, "pre_tokenizer", "pretokenizers")) {
      readPreTokenizer(part);
    }
    byteLevel = preTokenizers.remove(BYTE_LEVEL);
    boolean metaspace = preTokenizers.stream().anyMatch(Metaspace.class::isInstance);
    if (replaces && (byteLevel || metaspace)) {
      throw new TokenizerFormatException(
          top.path() + ".normalizer", "no Replace before ByteLevel or Metaspace", "Replace");
    }
    Spaces spaces =
        replaces ? Spaces.AS_U2581 : metaspace ? Spaces.AS_U2581_BY_METASPACE : Spaces.LITERAL;
    normalizer =
        new Normalizer(
            nfc, prepends ? Normalizer.Prefix.EVERY : Normalizer.Prefix.NEVER, spaces, false);
    boolean drops = false;
    for (JsonFields part : parts(top, "decoder", "decoders")) {
      drops |= readDecoder(part);
    }
    dropsSpace = drops;
    byteFallback = decoders.contains("ByteFallback");
    requireMatchingDecoder(top.path() + ".decoder", spaces);
    for (JsonFields part : parts(top, "post_processor", "processors")) {
      readPostProcessor(part);
    }
  }

  /** Marks ByteLevel in the list of pre-tokenizers, where it must be the last. */
  private static final PreTokenizer BYTE_LEVEL =
      (text, start, end, first, out) -> out.piece(text, start, end, first);

  /** The parts of a Sequence, at any depth; otherwise the single part, if there is one. */
  private static List<JsonFields> parts(JsonFields parent, String key, String sequenceKey)
      throws TokenizerFormatException {
    List<JsonFields> parts = new ArrayList<>();
    Optional<JsonFields> one = parent.object(key);
    if (one.isPresent()) {
      addParts(one.get(), sequenceKey, parts);
    }
    return parts;
  }

  private static void addParts(JsonFields one, String sequenceKey, List<JsonFields> parts)
      throws TokenizerFormatException {
    if (!one.has(sequenceKey)) {
      parts.add(one);
      return;
    }
    String type = one.requiredText("type");
    if (!type.equals("Sequence")) {
      throw one.wrong("type", "Sequence", type);
    }
    for (JsonFields part : one.objects(sequenceKey)) {
      addParts(part, sequenceKey, parts);
    }
    one.requireNoMore();
  }

  private static String readNormalizer(JsonFields part) throws TokenizerFormatException {
    String type = part.requiredText("type");
    switch (type) {
      case "NFC" -> {
        // nothing to set
      }
      case "Prepend" -> require(part, "prepend", ESCAPED);
      case "Replace" -> {
        requirePattern(part, SPACE);
        require(part, "content", ESCAPED);
      }
      default -> throw part.wrong("type", "NFC, Prepend, Replace or Sequence", type);
    }
    part.requireNoMore();
    return type;
  }

  private void readPreTokenizer(JsonFields part) throws TokenizerFormatException {
    String type = part.requiredText("type");
    boolean ended =
        preTokenizers.contains(BYTE_LEVEL)
            || preTokenizers.stream().anyMatch(Metaspace.class::isInstance);
    if (ended) {
      throw new TokenizerFormatException(part.path(), "nothing after ByteLevel or Metaspace", type);
    }
    switch (type) {
      case "ByteLevel" -> {
        if (part.flag("add_prefix_space", true)) {
          preTokenizers.add(new PrefixSpace());
        }
        if (part.flag("use_regex", true)) {
          preTokenizers.add(SplitPattern.GPT2);
        }
        part.ignore("trim_offsets");
        preTokenizers.add(BYTE_LEVEL);
      }
      case "Split" -> preTokenizers.add(readSplit(part));
      case "Digits" ->
          preTokenizers.add(
              part.flag("individual_digits", false)
                  ? SplitPattern.DIGITS
                  : SplitPattern.DIGIT_RUNS);
      case "Metaspace" -> preTokenizers.add(readMetaspace(part));
      default -> throw part.wrong("type", "ByteLevel, Split, Digits, Metaspace or Sequence", type);
    }
    part.requireNoMore();
  }

  private static SplitPattern readSplit(JsonFields part) throws TokenizerFormatException {
    String path = part.path() + ".pattern";
    JsonFields pattern = part.object("pattern").orElse(new JsonFields(path, Map.of()));
    String kind = pattern.has("Regex") ? "Regex" : "String";
    String regex = pattern.requiredText(kind);
    pattern.requireNoMore();
    Optional<SplitPattern> known =
        kind.equals("Regex") ? SplitPattern.ofRegex(regex) : Optional.empty();
    if (known.isEmpty()) {
      throw new TokenizerFormatException(
          path,
          "the split pattern of GPT-2, Llama 3 or Qwen",
          kind + " " + Quote.of(regex, MAX_PATTERN_CHARS));
    }
    // These patterns match all text, so keeping the matches equals isolating them.
    String behavior = part.requiredText("behavior");
    boolean invert = part.flag("invert", false);
    if (!(behavior.equals("Isolated") || (behavior.equals("Removed") && invert))) {
      throw part.wrong(
          "behavior", "Isolated, or Removed with invert", behavior + ", invert " + invert);
    }
    return known.get();
  }

  /** Metaspace has the same fields as a pre-tokenizer and as a decoder. */
  private static Metaspace readMetaspace(JsonFields part) throws TokenizerFormatException {
    require(part, "replacement", ESCAPED);
    part.ignore("str_rep");
    boolean prefix = part.flag("add_prefix_space", true);
    String scheme = part.text("prepend_scheme").orElse(prefix ? "always" : "never");
    boolean split = part.flag("split", true);
    Metaspace.Scheme known =
        switch (scheme) {
          case "always" -> Metaspace.Scheme.ALWAYS;
          case "first" -> Metaspace.Scheme.FIRST;
          case "never" -> Metaspace.Scheme.NEVER;
          default -> throw part.wrong("prepend_scheme", "always, first or never", scheme);
        };
    if (!prefix && known != Metaspace.Scheme.NEVER) {
      throw part.wrong("prepend_scheme", "never, because of add_prefix_space", scheme);
    }
    return new Metaspace(known, split);
  }

  /** Whether this decoder drops a space at the start of a text. */
  private boolean readDecoder(JsonFields part) throws TokenizerFormatException {
    String type = part.requiredText("type");
    boolean drops = false;
    switch (type) {
      case "ByteLevel" -> part.ignore("add_prefix_space", "trim_offsets", "use_regex");
      case "Metaspace" -> drops = readMetaspace(part).scheme() != Metaspace.Scheme.NEVER;
      case "Replace" -> {
        requirePattern(part, ESCAPED);
        require(part, "content", SPACE);
      }
      case "ByteFallback", "Fuse" -> {
        // nothing to set
      }
      case "Strip" -> {
        require(part, "content", SPACE);
        int start = part.integer("start");
        int stop = part.integer("stop");
        if (start < 0 || start > 1 || stop != 0 || !decoders.contains("Fuse")) {
          throw new TokenizerFormatException(
              part.path(),
              "to strip at most one space, at the start, after Fuse",
              "start " + start + ", stop " + stop);
        }
        drops = start == 1;
      }
      default ->
          throw part.wrong(
              "type", "ByteLevel, Metaspace, Replace, ByteFallback, Fuse or Strip", type);
    }
    part.requireNoMore();
    decoders.add(type);
    return drops;
  }

  /** Decoding must undo what encoding does. */
  private void requireMatchingDecoder(String path, Spaces spaces) throws TokenizerFormatException {
    boolean unescapes = decoders.contains("Replace") || decoders.contains("Metaspace");
    boolean escapes = spaces != Spaces.LITERAL;
    boolean matches =
        byteLevel
            ? decoders.equals(Set.of("ByteLevel"))
            : !decoders.isEmpty() && !decoders.contains("ByteLevel") && unescapes == escapes;
    if (!matches) {
      throw new TokenizerFormatException(
          path,
          byteLevel
              ? "ByteLevel, as the pre-tokenizer"
              : escapes
                  ? "Replace or Metaspace, because spaces are written as U+2581"
                  : "ByteFallback or Fuse, or the pre-tokenizer ByteLevel",
          decoders.isEmpty() ? "nothing" : String.join(", ", decoders));
    }
  }

  private void readPostProcessor(JsonFields part) throws TokenizerFormatException {
    String type = part.requiredText("type");
    switch (type) {
      case "ByteLevel" -> part.ignore("add_prefix_space", "trim_offsets", "use_regex");
      case "TemplateProcessing" -> readTemplate(part);
      default -> throw part.wrong("type", "TemplateProcessing, ByteLevel or Sequence", type);
    }
    part.requireNoMore();
  }

  private void readTemplate(JsonFields part) throws TokenizerFormatException {
    if (promptPrefix.length + promptSuffix.length > 0) {
      throw new TokenizerFormatException(part.path(), "one TemplateProcessing", "another one");
    }
    part.ignore("pair"); // prompts are single texts
    IntBuilder ids = new IntBuilder();
    int[] before = {};
    int texts = 0;
    JsonFields tokens =
        part.object("special_tokens")
            .orElse(new JsonFields(part.path() + ".special_tokens", Map.of()));
    Map<String, int[]> idsByToken = new HashMap<>();
    for (JsonFields item : part.objects("single")) {
      Optional<JsonFields> special = item.object("SpecialToken");
      if (special.isPresent()) {
        String name = special.get().requiredText("id");
        special.get().ignore("type_id");
        special.get().requireNoMore();
        if (!idsByToken.containsKey(name)) {
          idsByToken.put(name, templateIds(tokens, name));
        }
        int[] tokenIds = idsByToken.get(name);
        ids.add(tokenIds, tokenIds.length);
      } else {
        JsonFields text =
            item.object("Sequence").orElseThrow(() -> item.wrong("SpecialToken", "one", null));
        require(text, "id", "A");
        text.ignore("type_id");
        text.requireNoMore();
        before = ids.toArray();
        ids = new IntBuilder();
        texts++;
      }
      item.requireNoMore();
    }
    if (texts != 1) {
      throw new TokenizerFormatException(
          part.path() + ".single", "the sequence A once", texts + " times");
    }
    promptPrefix = before;
    promptSuffix = ids.toArray();
  }

  private static int[] templateIds(JsonFields tokens, String name) throws TokenizerFormatException {
    JsonFields token = tokens.object(name).orElseThrow(() -> tokens.wrong(name, "its ids", null));
    List<Object> ids = token.list("ids");
    int[] result = new int[ids.size()];
    for (int i = 0; i < result.length; i++) {
      if (!(ids.get(i) instanceof Integer id)) {
        throw token.wrong("ids", "32-bit integers", ids);
      }
      result[i] = id;
    }
    return result;
  }

  private static void requirePattern(JsonFields part, String expected)
      throws TokenizerFormatException {
    JsonFields pattern =
        part.object("pattern").orElse(new JsonFields(part.path() + ".pattern", Map.of()));
    require(pattern, "String", expected);
    pattern.requireNoMore();
  }

  private static void require(JsonFields part, String key, String expected)
      throws TokenizerFormatException {
    String got = part.text(key).orElse("");
    if (!got.equals(expected)) {
      throw part.wrong(key, Quote.of(expected), got);
    }
  }
}
