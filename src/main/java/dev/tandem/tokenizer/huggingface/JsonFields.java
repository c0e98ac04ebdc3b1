package dev.tandem.tokenizer.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import dev.tandem.json.JsonMembers;
import dev.tandem.json.JsonSyntaxException;
import dev.tandem.json.StrictJson;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The members of an object in a tokenizer's file; {@link #requireNoMore} names one that no reader
 * used.
 */
final class JsonFields extends JsonMembers<TokenizerFormatException, JsonFields> {
  private static final StrictJson JSON = new StrictJson(64, 20_000_000, 1000);

  /** For files that are read token by token because they are large. */
  static final JsonFactory FACTORY = JSON.factory();

  private final String path;

  JsonFields(String path, Map<String, @Nullable Object> members) {
    super(members);
    this.path = path;
  }

  /** Where the object is, for messages. */
  String path() {
    return path;
  }

  /** What to say of a failure to parse; the bytes are in memory: only malformed JSON fails. */
  static TokenizerFormatException malformed(String file, IOException e) {
    if (e instanceof TokenizerFormatException known) {
      return known;
    }
    TokenizerFormatException malformed =
        new TokenizerFormatException(
            file, "JSON", Quote.of(String.valueOf(StrictJson.syntax(e).getMessage())));
    malformed.initCause(e);
    return malformed;
  }

  /**
   * The value at whose first token a parser is; see {@link StrictJson#value}.
   *
   * @param path where it is, for messages
   */
  static @Nullable Object read(String path, JsonParser json) throws IOException {
    try {
      return StrictJson.value(json);
    } catch (JsonSyntaxException e) {
      throw malformed(path, e);
    }
  }

  @Override
  protected JsonFields inside(String where, Map<String, @Nullable Object> inner) {
    return new JsonFields(path + "." + where, inner);
  }

  @Override
  protected TokenizerFormatException refused(String where, String expected, @Nullable Object got) {
    return wrong(where, expected, got);
  }

  /** Throws unless a number is zero, or absent. */
  void requireZero(String key) throws TokenizerFormatException {
    Object value = member(key);
    if (value != null && !(value instanceof Number number && number.doubleValue() == 0)) {
      throw wrong(key, "0 or null (others are not supported)", value);
    }
  }

  /** The keys of the members that were not asked for yet. */
  Set<String> keys() {
    return Set.copyOf(unasked());
  }

  /** A member of any kind, as {@link #read} gives it. */
  Optional<Object> any(String key) {
    return Optional.ofNullable(member(key));
  }

  Optional<JsonFields> object(String key) throws TokenizerFormatException {
    return inner(key);
  }

  /** Leaves out members that change nothing here. */
  void ignore(String... keys) {
    for (String key : keys) {
      member(key);
    }
  }

  /**
   * Throws unless every member was asked for: what is not known may change something.
   *
   * @throws TokenizerFormatException naming the first one that was not
   */
  void requireNoMore() throws TokenizerFormatException {
    for (String key : unasked()) {
      throw wrong(key, "no such field, because it is not supported", members().get(key));
    }
  }

  /** The error for a member that is not what it must be. */
  TokenizerFormatException wrong(String key, String expected, @Nullable Object got) {
    return new TokenizerFormatException(
        path + "." + key, expected, got == null ? "nothing" : Quote.of(got.toString()));
  }
}
