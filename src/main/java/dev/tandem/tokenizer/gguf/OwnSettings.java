package dev.tandem.tokenizer.gguf;

import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.sentencepiece.SentencePieceRules;
import dev.tandem.tokenizer.text.Metaspace;
import dev.tandem.tokenizer.text.Normalizer;
import dev.tandem.tokenizer.text.PreTokenizer;
import dev.tandem.tokenizer.text.Spaces;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The settings of a tokenizer as strings by name. Settings that GGUF's common keys cannot express
 * are stored under {@link GgufVocabulary#OWN_PREFIX}.
 */
final class OwnSettings {
  private OwnSettings() {}

  /** All settings of a tokenizer. */
  static Map<String, String> of(TokenizerSpec spec) {
    Map<String, String> settings = new TreeMap<>();
    settings.put("nfc", "" + spec.normalizer.nfc());
    settings.put("space_prefix", lowerCase(spec.normalizer.prefix()));
    settings.put("spaces", lowerCase(spec.normalizer.spaces()));
    settings.put("remove_extra_spaces", "" + spec.normalizer.removeExtraSpaces());
    settings.put("drops_space", "" + spec.dropsSpace);
    settings.put("byte_fallback", "" + spec.byteFallback);
    settings.put("fallback_after_merges", "" + spec.fallbackAfterMerges);
    settings.put("fuse_unknown", "" + spec.fuseUnknown);
    settings.put("least_score", "" + spec.leastScore);
    settings.put("unknown_id", list(spec.unknownId));
    settings.put("bos_id", list(spec.bosId));
    settings.put("stop_ids", list(spec.stopIds));
    settings.put("prompt_prefix", list(Arrays.stream(spec.promptPrefix).boxed().toList()));
    settings.put("prompt_suffix", list(Arrays.stream(spec.promptSuffix).boxed().toList()));
    settings.put("normalized_tokens", list(spec.normalizedTokens));
    settings.put("take_left", list(spec.takeLeft));
    settings.put("take_right", list(spec.takeRight));
    settings.put("metaspace", spec.byteLevel ? "" : metaspace(spec.preTokenizers));
    return settings;
  }

  /** Applies settings; the others stay unchanged. */
  static void apply(Map<String, String> settings, TokenizerSpec spec)
      throws TokenizerFormatException {
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      try {
        apply(setting.getKey(), setting.getValue(), spec);
      } catch (IllegalArgumentException e) { // also a NumberFormatException
        TokenizerFormatException wrong =
            new TokenizerFormatException(
                GgufVocabulary.OWN_PREFIX + Quote.of(setting.getKey()),
                "a setting of this program",
                Quote.of(setting.getValue()));
        wrong.initCause(e);
        throw wrong;
      }
    }
    if (spec.byteFallback) {
      SentencePieceRules.requireBytes(GgufVocabulary.OWN_PREFIX + "byte_fallback", spec);
    }
  }

  private static void apply(String name, String value, TokenizerSpec spec) {
    Normalizer now = spec.normalizer;
    switch (name) {
      case "nfc" ->
          spec.normalizer =
              new Normalizer(flag(value), now.prefix(), now.spaces(), now.removeExtraSpaces());
      case "space_prefix" ->
          spec.normalizer =
              new Normalizer(
                  now.nfc(),
                  Normalizer.Prefix.valueOf(value.toUpperCase(Locale.ROOT)),
                  now.spaces(),
                  now.removeExtraSpaces());
      case "spaces" ->
          spec.normalizer =
              new Normalizer(
                  now.nfc(),
                  now.prefix(),
                  Spaces.valueOf(value.toUpperCase(Locale.ROOT)),
                  now.removeExtraSpaces());
      case "remove_extra_spaces" ->
          spec.normalizer = new Normalizer(now.nfc(), now.prefix(), now.spaces(), flag(value));
      case "drops_space" -> spec.dropsSpace = flag(value);
      case "byte_fallback" -> spec.byteFallback = flag(value);
      case "fallback_after_merges" -> spec.fallbackAfterMerges = flag(value);
      case "fuse_unknown" -> spec.fuseUnknown = flag(value);
      case "least_score" -> spec.leastScore = Float.parseFloat(value);
      case "unknown_id" -> spec.unknownId = id(value, spec);
      case "bos_id" -> spec.bosId = id(value, spec);
      case "stop_ids" -> spec.stopIds = ids(value, spec);
      case "prompt_prefix" -> spec.promptPrefix = list(value, spec);
      case "prompt_suffix" -> spec.promptSuffix = list(value, spec);
      case "normalized_tokens" -> spec.normalizedTokens = ids(value, spec);
      case "take_left" -> spec.takeLeft = ids(value, spec);
      case "take_right" -> spec.takeRight = ids(value, spec);
      case "metaspace" -> spec.preTokenizers = metaspace(value);
      default -> throw new IllegalArgumentException(name);
    }
  }

  private static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static boolean flag(String value) {
    if (!value.equals("true") && !value.equals("false")) {
      throw new IllegalArgumentException(value);
    }
    return value.equals("true");
  }

  private static String list(OptionalInt id) {
    return list(id.stream().boxed().toList());
  }

  private static String list(Iterable<Integer> ids) {
    List<String> written = new ArrayList<>();
    ids.forEach(id -> written.add(id.toString()));
    return String.join(",", written);
  }

  private static String list(Set<Integer> ids) {
    return list((Iterable<Integer>) new TreeSet<>(ids));
  }

  private static int[] list(String value, TokenizerSpec spec) {
    int[] ids =
        value.isEmpty()
            ? new int[0]
            : Arrays.stream(value.split(",", -1)).mapToInt(Integer::parseInt).toArray();
    if (Arrays.stream(ids).anyMatch(id -> id < 0 || id >= spec.size())) {
      throw new IllegalArgumentException(value);
    }
    return ids;
  }

  private static Set<Integer> ids(String value, TokenizerSpec spec) {
    return Arrays.stream(list(value, spec)).boxed().collect(Collectors.toSet());
  }

  private static OptionalInt id(String value, TokenizerSpec spec) {
    int[] ids = list(value, spec);
    if (ids.length > 1) {
      throw new IllegalArgumentException(value);
    }
    return ids.length == 0 ? OptionalInt.empty() : OptionalInt.of(ids[0]);
  }

  private static String metaspace(List<PreTokenizer> preTokenizers) {
    return preTokenizers.size() == 1 && preTokenizers.get(0) instanceof Metaspace metaspace
        ? lowerCase(metaspace.scheme()) + (metaspace.split() ? ",split" : "")
        : "";
  }

  private static List<PreTokenizer> metaspace(String value) {
    String[] words = value.split(",", -1);
    if (words.length > 2 || (words.length == 2 && !words[1].equals("split"))) {
      throw new IllegalArgumentException(value);
    }
    return List.of(
        new Metaspace(
            Metaspace.Scheme.valueOf(words[0].toUpperCase(Locale.ROOT)), words.length == 2));
  }
}
