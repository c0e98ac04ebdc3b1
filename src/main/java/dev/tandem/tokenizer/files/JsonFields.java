package dev.tandem.tokenizer.files;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.tandem.tokenizer.TokenizerFormatException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The members of a JSON object, which are asked for one by one; {@link #requireNoMore} names one
 * that nobody asked for. A member that is {@code null} counts as absent.
 */
final class JsonFields {
  private static final int MAX_DEPTH = 64;

  /** Bounded; streaming only, because data binding would triple the start-up time. */
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  private final String path;
  private final Map<String, Object> members;

  JsonFields(String path, Map<String, Object> members) {
    this.path = path;
    this.members = new LinkedHashMap<>(members);
  }

  /** Where the object is, for messages. */
  String path() {
    return path;
  }

  /**
   * The value at whose first token a parser is: a {@code Map} of members, {@code List}, {@code
   * String}, {@code Number}, {@code Boolean} or null.
   */
  static @Nullable Object read(String path, JsonParser json) throws IOException {
    JsonToken token = json.currentToken();
    if (token == null) {
      throw new TokenizerFormatException(path, "a value", "the end of the file");
    }
    return switch (token) {
      case START_OBJECT -> readObject(path, json);
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          Object value = read(path + "[" + list.size() + "]", json);
          if (value == null) {
            throw new TokenizerFormatException(path + "[" + list.size() + "]", "a value", "null");
          }
          list.add(value);
        }
        yield list;
      }
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getNumberValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  private static Map<String, Object> readObject(String path, JsonParser json) throws IOException {
    Map<String, Object> members = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      json.nextToken();
      Object value = read(path + "." + key, json);
      if (value != null && members.put(key, value) != null) {
        throw new TokenizerFormatException(path, "each member once", Quote.of(key) + " twice");
      }
    }
    return members;
  }

  /** What to say of a failure to parse; the bytes are in memory: only malformed JSON fails. */
  static TokenizerFormatException malformed(String file, IOException e) {
    if (e instanceof TokenizerFormatException known) {
      return known;
    }
    String message =
        e instanceof JsonProcessingException json
            ? json.getOriginalMessage()
            : String.valueOf(e.getMessage());
    TokenizerFormatException malformed =
        new TokenizerFormatException(file, "JSON", Quote.of(message));
    malformed.initCause(e);
    return malformed;
  }

  boolean has(String key) {
    return members.containsKey(key);
  }

  boolean flag(String key, boolean absent) throws TokenizerFormatException {
    Object value = members.remove(key);
    if (value == null || value instanceof Boolean) {
      return value == null ? absent : (boolean) value;
    }
    throw wrong(key, "true or false", value);
  }

  Optional<String> text(String key) throws TokenizerFormatException {
    Object value = members.remove(key);
    if (value == null || value instanceof String) {
      return Optional.ofNullable((String) value);
    }
    throw wrong(key, "a string", value);
  }

  /** A string that must be there. */
  String requiredText(String key) throws TokenizerFormatException {
    Optional<String> text = text(key);
    if (text.isEmpty()) {
      throw new TokenizerFormatException(path + "." + key, "a string", "nothing");
    }
    return text.get();
  }

  /** An integer that must be there. */
  int integer(String key) throws TokenizerFormatException {
    Object value = members.remove(key);
    if (value instanceof Integer number) {
      return number;
    }
    throw wrong(key, "a 32-bit integer", value);
  }

  /** Throws unless a number is zero, or absent. */
  void requireZero(String key) throws TokenizerFormatException {
    Object value = members.remove(key);
    if (value != null && !(value instanceof Number number && number.doubleValue() == 0)) {
      throw wrong(key, "0 or null (others are not supported)", value);
    }
  }

  Optional<JsonFields> object(String key) throws TokenizerFormatException {
    Object value = members.remove(key);
    return value == null ? Optional.empty() : Optional.of(of(path + "." + key, value));
  }

  /** A list of objects; empty if there is none. */
  List<JsonFields> objects(String key) throws TokenizerFormatException {
    List<JsonFields> objects = new ArrayList<>();
    for (Object value : list(key)) {
      objects.add(of(path + "." + key + "[" + objects.size() + "]", value));
    }
    return objects;
  }

  /** A list of any values; empty if there is none. */
  @SuppressWarnings("unchecked") // what read() makes
  List<Object> list(String key) throws TokenizerFormatException {
    Object value = members.remove(key);
    if (value == null || value instanceof List<?>) {
      return value == null ? List.of() : (List<Object>) value;
    }
    throw wrong(key, "a list", value);
  }

  @SuppressWarnings("unchecked") // what read() makes
  private static JsonFields of(String path, Object value) throws TokenizerFormatException {
    if (value instanceof Map<?, ?>) {
      return new JsonFields(path, (Map<String, Object>) value);
    }
    throw new TokenizerFormatException(path, "an object", Quote.of(value.toString()));
  }

  /** Leaves out members that change nothing here. */
  void ignore(String... keys) {
    for (String key : keys) {
      members.remove(key);
    }
  }

  /**
   * Throws unless every member was asked for: what is not known may change something.
   *
   * @throws TokenizerFormatException naming the first one that was not
   */
  void requireNoMore() throws TokenizerFormatException {
    if (!members.isEmpty()) {
      Map.Entry<String, Object> first = members.entrySet().iterator().next();
      throw new TokenizerFormatException(
          path + "." + first.getKey(),
          "no such field, because it is not supported",
          Quote.of(first.getValue().toString()));
    }
  }

  /** The error for a member that is not what it must be. */
  TokenizerFormatException wrong(String key, String expected, @Nullable Object got) {
    return new TokenizerFormatException(
        path + "." + key, expected, got == null ? "nothing" : Quote.of(got.toString()));
  }
}
