package dev.tandem.tokenizer.huggingface;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.ScoreMerges;
import dev.tandem.tokenizer.bpe.StopIds;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the files beside a Hugging Face tokenizer say of it: tokens that are in no vocabulary, which
 * tokens are special, what prompts begin and end with. Source: {@code from_pretrained} of
 * transformers' {@code PreTrainedTokenizerBase}, and what its classes do with such files.
 */
public final class TokenizerSettings {
  /** The newest of the files; it takes precedence over the others. */
  public static final String CONFIG = "tokenizer_config.json";

  private static final String ADDED = "added_tokens.json";
  private static final String SPECIAL = "special_tokens_map.json";

  /** The files that {@link #read} understands. All may be missing. */
  public static final List<String> FILES = List.of(CONFIG, ADDED, SPECIAL);

  private static final String DECODER = "added_tokens_decoder";
  private static final String ADD_BOS = "add_bos_token";
  private static final String ADD_EOS = "add_eos_token";
  private static final String BOS = "bos_token";
  private static final String EOS = "eos_token";
  private static final String CLASS = "tokenizer_class";
  private static final String MORE_SPECIAL = "additional_special_tokens";

  /** Each names one special token. */
  private static final List<String> ROLES =
      List.of(BOS, EOS, "unk_token", "pad_token", "sep_token", "cls_token", "mask_token");

  /** Classes that put the beginning of sequence before prompts unless they are told not to. */
  private static final Set<Object> BEGINNING =
      Set.of(
          "LlamaTokenizer",
          "LlamaTokenizerFast",
          "CodeLlamaTokenizer",
          "CodeLlamaTokenizerFast",
          "GemmaTokenizer",
          "GemmaTokenizerFast");

  /** Gaps between ids are filled; a hostile file must not make them large. */
  private static final int MAX_GAPS = 1024;

  /** A token; {@code stated}: whether the file states how it behaves, or only its id. */
  private record Added(
      String content,
      boolean stated,
      boolean special,
      boolean left,
      boolean right,
      boolean normalized) {}

  private final Map<Integer, Added> added = new TreeMap<>();
  private final Set<String> special = new TreeSet<>();
  private Optional<Boolean> addBos = Optional.empty();
  private Optional<Boolean> addEos = Optional.empty();
  private Optional<String> bos = Optional.empty();
  private Optional<String> eos = Optional.empty();

  private TokenizerSettings() {}

  /**
   * Reads the files.
   *
   * @param files of {@link #FILES} those that there are, by name
   * @throws TokenizerFormatException if one is malformed; it names the file and the field
   */
  public static TokenizerSettings read(Map<String, byte[]> files) throws TokenizerFormatException {
    TokenizerSettings settings = new TokenizerSettings();
    for (String file : List.of(SPECIAL, CONFIG)) {
      byte[] content = files.get(file);
      if (content != null) {
        settings.readMap(new JsonFields(file, members(file, content)));
      }
    }
    byte[] addedTokens = files.get(ADDED);
    if (addedTokens != null) {
      settings.readAdded(addedTokens);
    }
    return settings;
  }

  /** The members of a file that matter here; the others, such as a chat template, are skipped. */
  private static Map<String, @Nullable Object> members(String file, byte[] content)
      throws TokenizerFormatException {
    Set<String> wanted = new HashSet<>(ROLES);
    wanted.addAll(List.of(DECODER, ADD_BOS, ADD_EOS, CLASS, MORE_SPECIAL));
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    try (JsonParser json = JsonFields.FACTORY.createParser(content)) {
      begin(file, json);
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        json.nextToken();
        if (!wanted.contains(key)) {
          json.skipChildren();
          continue;
        }
        Object value = JsonFields.read(file + "." + key, json);
        if (members.containsKey(key)) {
          throw new TokenizerFormatException(file, "each member once", Quote.of(key) + " twice");
        }
        members.put(key, value);
      }
      end(file, json);
    } catch (IOException e) {
      throw JsonFields.malformed(file, e);
    }
    return members;
  }

  private static void begin(String file, JsonParser json) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new TokenizerFormatException(file, "an object", String.valueOf(json.currentToken()));
    }
  }

  private static void end(String file, JsonParser json) throws IOException {
    if (json.nextToken() != null) {
      throw new TokenizerFormatException(file, "its end after the object", "more");
    }
  }

  private void readMap(JsonFields file) throws TokenizerFormatException {
    for (String role : ROLES) {
      Optional<String> name = file.any(role).flatMap(TokenizerSettings::content);
      name.ifPresent(special::add);
      bos = role.equals(BOS) && name.isPresent() ? name : bos;
      eos = role.equals(EOS) && name.isPresent() ? name : eos;
    }
    if (file.any(MORE_SPECIAL).orElse("") instanceof List<?> tokens) {
      tokens.forEach(token -> content(token).ifPresent(special::add));
    }
    addBos = file.has(ADD_BOS) ? Optional.of(file.flag(ADD_BOS, false)) : addBos;
    addEos = file.has(ADD_EOS) ? Optional.of(file.flag(ADD_EOS, false)) : addEos;
    if (addBos.isEmpty() && BEGINNING.contains(file.any(CLASS).orElse(""))) {
      addBos = Optional.of(true);
    }
    Optional<JsonFields> decoder = file.object(DECODER);
    if (decoder.isPresent()) {
      for (String id : decoder.get().keys()) {
        Optional<JsonFields> token = decoder.get().object(id);
        if (token.isPresent()) {
          add(decoder.get(), id, token.get());
        }
      }
    }
  }

  private void add(JsonFields decoder, String id, JsonFields token)
      throws TokenizerFormatException {
    if (!id.matches("[0-9]{1,9}")) {
      throw new TokenizerFormatException(decoder.path(), "ids", Quote.of(id));
    }
    if (token.flag("single_word", false)) {
      throw token.wrong("single_word", "false (true is not supported)", true);
    }
    boolean isSpecial = token.flag("special", false);
    added.put(
        Integer.parseInt(id),
        new Added(
            token.requiredText("content"),
            true,
            isSpecial,
            token.flag("lstrip", false),
            token.flag("rstrip", false),
            token.flag("normalized", !isSpecial)));
  }

  /** The written form of a token, which is a string or has it as a member. */
  private static Optional<String> content(Object token) {
    Object content = token instanceof Map<?, ?> members ? members.get("content") : token;
    return content instanceof String name ? Optional.of(name) : Optional.empty();
  }

  /** {@code {token: id}}; how these tokens behave follows from whether they are special. */
  private void readAdded(byte[] content) throws TokenizerFormatException {
    Set<String> tokens = new HashSet<>();
    Set<Integer> ids = new HashSet<>();
    try (JsonParser json = JsonFields.FACTORY.createParser(content)) {
      begin(ADDED, json);
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String token = json.currentName();
        if (json.nextToken() != JsonToken.VALUE_NUMBER_INT) {
          throw new TokenizerFormatException(
              ADDED + " " + Quote.of(token), "an id", String.valueOf(json.currentToken()));
        }
        int id = json.getIntValue();
        if (!tokens.add(token)) {
          throw new TokenizerFormatException(ADDED, "each token once", Quote.of(token) + " twice");
        }
        if (!ids.add(id)) {
          throw new TokenizerFormatException(ADDED, "each id once", id + " twice");
        }
        boolean isSpecial = special.contains(token);
        added.putIfAbsent(id, new Added(token, false, isSpecial, false, false, !isSpecial));
      }
      end(ADDED, json);
    } catch (IOException e) {
      throw JsonFields.malformed(ADDED, e);
    }
  }

  /**
   * A tokenizer with these settings.
   *
   * @param stopIds the ids that end a text, as far as the model's configuration says; if it says
   *     nothing, special tokens with the usual names end it too
   * @throws TokenizerFormatException if they contradict the vocabulary
   */
  public Tokenizer applyTo(BpeTokenizer tokenizer, int... stopIds) throws TokenizerFormatException {
    TokenizerSpec spec = withAdded(tokenizer.spec());
    Map<String, Integer> ids = new HashMap<>();
    for (int id = spec.size() - 1; id >= 0; id--) { // of equal names the first counts
      ids.put(spec.names[id], id);
    }
    for (String name : special) {
      Integer id = ids.get(name);
      if (id != null && spec.types[id] == TokenType.NORMAL && name.length() > 1) {
        spec.types[id] = TokenType.CONTROL;
      }
    }
    Optional<Integer> begin = bos.map(ids::get);
    if (begin.isPresent()) {
      spec.bosId = OptionalInt.of(begin.get());
    }
    int[] end = eos.map(ids::get).stream().mapToInt(id -> id).toArray();
    applyPrompt(spec, end);
    Set<Integer> stops = new TreeSet<>(spec.stopIds);
    Arrays.stream(end).forEach(stops::add);
    if (stopIds.length == 0) {
      stops.addAll(StopIds.byName(spec, Set.of(TokenType.CONTROL)));
    }
    spec.stopIds = stops;
    if (spec.scores != null) {
      spec.merges = ScoreMerges.table(ADDED, spec); // which count characters from the last id on
    }
    return new BpeTokenizer(spec);
  }

  private void applyPrompt(TokenizerSpec spec, int[] end) {
    int[] begin = spec.bosId.stream().toArray();
    if (addBos.isPresent()) {
      boolean plain = Arrays.equals(spec.promptPrefix, begin);
      if (addBos.get() && spec.promptPrefix.length == 0) {
        spec.promptPrefix = begin;
      } else if (!addBos.get() && plain) {
        spec.promptPrefix = new int[0];
      }
    }
    if (addEos.isPresent()) {
      boolean plain = Arrays.equals(spec.promptSuffix, end);
      if (addEos.get() && spec.promptSuffix.length == 0) {
        spec.promptSuffix = end;
      } else if (!addEos.get() && plain) {
        spec.promptSuffix = new int[0];
      }
    }
  }

  /** A copy with all added tokens. */
  private TokenizerSpec withAdded(TokenizerSpec spec) throws TokenizerFormatException {
    int size = size(spec.size());
    String[] names = Arrays.copyOf(spec.names, size);
    TokenType[] types = Arrays.copyOf(spec.types, size);
    for (int id = spec.size(); id < size; id++) {
      names[id] = TokenizerSpec.gapName(id);
      types[id] = TokenType.UNUSED;
    }
    Set<Integer> normalized = new TreeSet<>(spec.normalizedTokens);
    Set<Integer> takeLeft = new TreeSet<>(spec.takeLeft);
    Set<Integer> takeRight = new TreeSet<>(spec.takeRight);
    for (Map.Entry<Integer, Added> entry : added.entrySet()) {
      int id = entry.getKey();
      Added token = entry.getValue();
      boolean gap = types[id] == TokenType.UNUSED && names[id].equals(TokenizerSpec.gapName(id));
      if (!gap && !names[id].equals(token.content)) {
        throw new TokenizerFormatException(
            "added token " + id,
            Quote.of(names[id]) + ", as the vocabulary says",
            Quote.of(token.content));
      }
      if (!gap && !changes(token, types[id])) {
        continue;
      }
      names[id] = token.content;
      types[id] = token.special ? TokenType.CONTROL : TokenType.USER_DEFINED;
      put(normalized, id, token.normalized);
      put(takeLeft, id, token.left);
      put(takeRight, id, token.right);
    }
    TokenizerSpec copy = spec.withTokens(names, types);
    copy.normalizedTokens = Set.copyOf(normalized);
    copy.takeLeft = Set.copyOf(takeLeft);
    copy.takeRight = Set.copyOf(takeRight);
    copy.scores = spec.scores == null ? null : Arrays.copyOf(spec.scores, size);
    return copy;
  }

  /**
   * Whether a file changes a token of the vocabulary. A byte stays one, and what the tokenizer's
   * own file says of a token goes before a mere id.
   */
  private static boolean changes(Added token, TokenType type) {
    boolean plain = type == TokenType.NORMAL && token.content.length() > 1;
    boolean added = type == TokenType.CONTROL || type == TokenType.USER_DEFINED;
    return plain || (added && token.stated);
  }

  private static void put(Set<Integer> ids, int id, boolean member) {
    if (member) {
      ids.add(id);
    } else {
      ids.remove(id);
    }
  }

  private int size(int vocabSize) throws TokenizerFormatException {
    int last = vocabSize + added.size() + MAX_GAPS;
    int size = vocabSize;
    for (Map.Entry<Integer, Added> entry : added.entrySet()) {
      int id = entry.getKey();
      if (id < 0 || id > last) {
        throw new TokenizerFormatException(
            "added token " + Quote.of(entry.getValue().content),
            "an id in 0.." + last,
            Integer.toString(id));
      }
      size = Math.max(size, id + 1);
    }
    return size;
  }
}
