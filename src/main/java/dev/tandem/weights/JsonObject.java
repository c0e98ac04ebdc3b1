package dev.tandem.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The scalar members of one JSON object; a member that is {@code null} counts as absent, one that
 * is an object or array as its kind only. Duplicate keys are an error, at any depth.
 */
final class JsonObject {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_STRING_CHARS = 1 << 20;

  /** Strict and bounded; streaming only, because data binding would triple the start-up time. */
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(MAX_STRING_CHARS)
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  private final String path;
  private final Map<String, Object> members = new HashMap<>();

  private JsonObject(String path) {
    this.path = path;
  }

  /**
   * Parses a whole file.
   *
   * @throws ModelFormatException if it is not one JSON object
   */
  static JsonObject parse(String path, byte[] json) throws ModelFormatException {
    JsonObject object = new JsonObject(path);
    try (JsonParser parser = FACTORY.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new ModelFormatException(path, "not a JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        JsonToken token = parser.nextToken();
        switch (token) {
          case VALUE_STRING -> object.members.put(key, parser.getText());
          case VALUE_NUMBER_INT -> object.members.put(key, parser.getBigIntegerValue());
          case VALUE_NUMBER_FLOAT -> object.members.put(key, parser.getDoubleValue());
          case VALUE_TRUE, VALUE_FALSE -> object.members.put(key, parser.getBooleanValue());
          case START_OBJECT, START_ARRAY -> object.addNested(key, parser);
          default -> {
            // null: as if it were absent
          }
        }
      }
      if (parser.nextToken() != null) {
        throw new ModelFormatException(path, "more than one JSON value");
      }
    } catch (IOException e) {
      throw malformed(path, e);
    }
    return object;
  }

  /** An object without members. */
  static JsonObject empty(String path) {
    return new JsonObject(path);
  }

  /** The same with members added or replaced; a value is a number, true, false, null or text. */
  JsonObject with(Map<String, String> pairs) {
    JsonObject changed = new JsonObject(path);
    changed.members.putAll(members);
    pairs.forEach(
        (key, value) -> {
          changed.members.remove(key);
          if (value.matches("-?[0-9]{1,18}")) {
            changed.members.put(key, new BigInteger(value));
          } else if (value.matches("-?[0-9.]{1,30}([eE][-+]?[0-9]{1,3})?")
              && !value.endsWith(".")) {
            changed.members.put(key, Double.valueOf(value));
          } else if (value.equals("true") || value.equals("false")) {
            changed.members.put(key, Boolean.valueOf(value));
          } else if (!value.equals("null")) {
            changed.members.put(key, value);
          }
        });
    return changed;
  }

  private void addNested(String key, JsonParser parser) throws IOException {
    int tokens = 0;
    for (int depth = 1; depth > 0; tokens++) {
      JsonToken token = parser.nextToken();
      depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
    }
    members.put(key, new Nested(tokens == 1)); // only the closing one
  }

  /** An object or array. */
  private record Nested(boolean empty) {
    @Override
    public String toString() {
      return empty ? "an empty object or array" : "an object or array";
    }
  }

  /** Reading bytes in memory fails only where they are not what they should be. */
  static ModelFormatException malformed(String path, IOException e) {
    if (e instanceof ModelFormatException known) {
      return known;
    }
    String message =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    ModelFormatException malformed = new ModelFormatException(path, "malformed JSON: " + message);
    malformed.initCause(e);
    return malformed;
  }

  /** Whether the member is there, is not null and not an empty object or array. */
  boolean has(String key) {
    Object member = members.get(key);
    return member != null && !(member instanceof Nested nested && nested.empty());
  }

  int integer(String key) throws ModelFormatException {
    Object member = members.get(key);
    if (member instanceof BigInteger value && value.bitLength() < Integer.SIZE) {
      return value.intValue();
    }
    throw wrong(key, "a 32-bit integer");
  }

  int integer(String key, int absent) throws ModelFormatException {
    return members.containsKey(key) ? integer(key) : absent;
  }

  double number(String key, double absent) throws ModelFormatException {
    if (!members.containsKey(key)) {
      return absent;
    }
    if (members.get(key) instanceof Number value) {
      return value.doubleValue();
    }
    throw wrong(key, "a number");
  }

  boolean flag(String key, boolean absent) throws ModelFormatException {
    if (!members.containsKey(key)) {
      return absent;
    }
    if (members.get(key) instanceof Boolean value) {
      return value;
    }
    throw wrong(key, "true or false");
  }

  String text(String key, String absent) throws ModelFormatException {
    if (!members.containsKey(key)) {
      return absent;
    }
    if (members.get(key) instanceof String value) {
      return value;
    }
    throw wrong(key, "a string");
  }

  /** The file that it came from, for messages. */
  String path() {
    return path;
  }

  /** The error for a member that is not what it must be. */
  ModelFormatException wrong(String key, String expected) {
    String got = Optional.ofNullable(members.get(key)).map(Object::toString).orElse("nothing");
    return new ModelFormatException(path, key, expected, got);
  }
}
