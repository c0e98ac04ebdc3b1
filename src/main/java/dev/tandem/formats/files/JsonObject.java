package dev.tandem.formats.files;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The members of one JSON object; a member that is {@code null} counts as absent. Duplicate keys
 * are an error, at any depth. It remembers which members were asked for, whether they are there or
 * not, so that what nobody reads can be told from the rest.
 */
public final class JsonObject {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_STRING_CHARS = 1 << 20;

  /** What strings say that something is off. */
  private static final Set<String> OFF = Set.of("", "none", "null", "no", "off", "false");

  /** Strict and bounded; streaming only, because data binding would triple the start-up time. */
  public static final JsonFactory FACTORY =
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

  /** What the members' keys are preceded by in messages: the keys of the objects around. */
  private final String prefix;

  private final Map<String, Object> members = new LinkedHashMap<>();
  private final Set<String> nulls = new HashSet<>();

  /** Keys that were given by {@link #with} and that are not in the file. */
  private final Set<String> added = new LinkedHashSet<>();

  private final Set<String> read;

  private JsonObject(String path, String prefix) {
    this(path, prefix, new TreeSet<>());
  }

  private JsonObject(String path, String prefix, Set<String> read) {
    this.path = path;
    this.prefix = prefix;
    this.read = read;
  }

  /**
   * Parses a whole file.
   *
   * @throws ModelFormatException if it is not one JSON object
   */
  public static JsonObject parse(String path, byte[] json) throws ModelFormatException {
    JsonObject object = new JsonObject(path, "");
    try (JsonParser parser = FACTORY.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new ModelFormatException(path, "not a JSON object");
      }
      object.addMembers(parser);
      if (parser.nextToken() != null) {
        throw new ModelFormatException(path, "more than one JSON value");
      }
    } catch (IOException e) {
      throw malformed(path, e);
    }
    return object;
  }

  private void addMembers(JsonParser parser) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      parser.nextToken();
      Object value = value(prefix + key, parser);
      if (value == null) {
        nulls.add(key);
      } else {
        members.put(key, value);
      }
    }
  }

  /** A String, BigInteger, Double, Boolean, JsonObject or List of these; null for null. */
  private @Nullable Object value(String name, JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT -> parser.getBigIntegerValue();
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE, VALUE_FALSE -> parser.getBooleanValue();
      case START_OBJECT -> {
        JsonObject nested = new JsonObject(path, name + ".");
        nested.addMembers(parser);
        yield nested;
      }
      case START_ARRAY -> {
        List<Object> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          Object value = value(name, parser);
          values.add(value == null ? "null" : value);
        }
        yield values;
      }
      default -> null;
    };
  }

  /**
   * An object of known members, such as a config that is part of another file.
   *
   * @param members of the types {@link String}, {@link Long}, {@link Double} and {@link Boolean}
   */
  public static JsonObject of(String path, Map<String, Object> members) {
    JsonObject object = new JsonObject(path, "");
    members.forEach(
        (key, value) ->
            object.members.put(
                key, value instanceof Long number ? BigInteger.valueOf(number) : value));
    return object;
  }

  /** An object without members. */
  public static JsonObject empty(String path) {
    return new JsonObject(path, "");
  }

  /** Whether it has no members, not even null. */
  public boolean isEmpty() {
    return members.isEmpty() && nulls.isEmpty();
  }

  /** The same, of which nothing has been read. */
  public JsonObject unread() {
    return copy(new TreeSet<>());
  }

  private JsonObject copy(Set<String> alreadyRead) {
    JsonObject copy = new JsonObject(path, prefix, alreadyRead);
    copy.members.putAll(members);
    copy.nulls.addAll(nulls);
    copy.added.addAll(added);
    return copy;
  }

  /**
   * The same with members added or replaced; a value is a number, true, false, null or text. What
   * is read of either counts as read of both.
   */
  public JsonObject with(Map<String, String> pairs) {
    JsonObject changed = copy(read);
    pairs.forEach(
        (key, value) -> {
          if (!members.containsKey(key) && !nulls.contains(key)) {
            changed.added.add(key);
          }
          changed.members.remove(key);
          if (value.matches("-?[0-9]{1,18}")) {
            changed.members.put(key, new BigInteger(value));
          } else if (value.matches("-?[0-9.]{1,30}([eE][-+]?[0-9]{1,3})?")
              && !value.endsWith(".")) {
            changed.members.put(key, Double.valueOf(value));
          } else if (value.equals("true") || value.equals("false")) {
            changed.members.put(key, Boolean.valueOf(value));
          } else if (value.equals("null")) {
            changed.nulls.add(key);
          } else {
            changed.members.put(key, value);
          }
        });
    return changed;
  }

  /** Reading bytes in memory fails only where they are not what they should be. */
  public static ModelFormatException malformed(String path, IOException e) {
    if (e instanceof ModelFormatException known) {
      return known;
    }
    String message =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    ModelFormatException malformed = new ModelFormatException(path, "malformed JSON: " + message);
    malformed.initCause(e);
    return malformed;
  }

  /** Whether the member is there and null, which differs from absent where that has a default. */
  public boolean isNull(String key) {
    read.add(key);
    return nulls.contains(key) && !members.containsKey(key);
  }

  /** Whether the member is there, is not null and not an empty object or array. */
  public boolean has(String key) {
    Object member = read(key);
    boolean empty =
        (member instanceof JsonObject object && object.members.isEmpty())
            || (member instanceof List<?> list && list.isEmpty());
    return member != null && !empty;
  }

  private @Nullable Object read(String key) {
    read.add(key);
    return members.get(key);
  }

  public int integer(String key) throws ModelFormatException {
    Object member = read(key);
    if (member instanceof BigInteger value && value.bitLength() < Integer.SIZE) {
      return value.intValue();
    }
    throw wrong(key, "a 32-bit integer");
  }

  public int integer(String key, int absent) throws ModelFormatException {
    return read(key) == null ? absent : integer(key);
  }

  public double number(String key, double absent) throws ModelFormatException {
    Object member = read(key);
    if (member == null) {
      return absent;
    }
    if (member instanceof Number value) {
      return value.doubleValue();
    }
    throw wrong(key, "a number");
  }

  public boolean flag(String key, boolean absent) throws ModelFormatException {
    Object member = read(key);
    if (member == null) {
      return absent;
    }
    if (member instanceof Boolean value) {
      return value;
    }
    throw wrong(key, "true or false");
  }

  public String text(String key, String absent) throws ModelFormatException {
    Object member = read(key);
    if (member == null) {
      return absent;
    }
    if (member instanceof String value) {
      return value;
    }
    throw wrong(key, "a string");
  }

  /** The object that a member is; an empty one if it is absent. */
  public JsonObject object(String key) throws ModelFormatException {
    Object member = read(key);
    if (member == null) {
      return new JsonObject(path, prefix + key + ".");
    }
    if (member instanceof JsonObject value) {
      return value;
    }
    throw wrong(key, "an object");
  }

  /** The 32-bit integers that a member is, one or a list of them; none if it is absent. */
  public int[] integers(String key) throws ModelFormatException {
    List<Object> values = new ArrayList<>();
    Object member = read(key);
    if (member instanceof List<?> list) {
      values.addAll(list);
    } else if (member != null) {
      values.add(integer(key));
    }
    int[] integers = new int[values.size()];
    for (int i = 0; i < integers.length; i++) {
      if (!(values.get(i) instanceof Number number) || number.intValue() != number.doubleValue()) {
        throw wrong(key, "a 32-bit integer or a list of them");
      }
      integers[i] = number.intValue();
    }
    return integers;
  }

  /** The strings of a list; none if it is absent. */
  public List<String> texts(String key) throws ModelFormatException {
    List<String> texts = new ArrayList<>();
    Object member = read(key);
    if (member != null) {
      if (!(member instanceof List<?> list)) {
        throw wrong(key, "a list of strings");
      }
      for (Object value : list) {
        if (!(value instanceof String text)) {
          throw wrong(key, "a list of strings");
        }
        texts.add(text);
      }
    }
    return texts;
  }

  /** Whether a member says nothing, or that something is off: null, false, 0, empty or "none". */
  public boolean isOff(String key) {
    Object member = members.get(key);
    return member == null
        || Boolean.FALSE.equals(member)
        || (member instanceof Number number && number.doubleValue() == 0)
        || (member instanceof String text && OFF.contains(text.toLowerCase(Locale.ROOT)))
        || (member instanceof List<?> list && list.isEmpty())
        || (member instanceof JsonObject object && object.members.isEmpty());
  }

  /**
   * Checks that a number, if it is there, is the only one that is supported.
   *
   * @throws ModelFormatException naming it
   */
  public void requireNumber(String key, double supported) throws ModelFormatException {
    if (number(key, supported) != supported) {
      throw wrong(key, supported + ", because no other is supported");
    }
  }

  /** Whether a member was asked for. */
  public boolean isRead(String key) {
    return read.contains(key);
  }

  /** All keys that were asked for, in alphabetical order. */
  Set<String> readKeys() {
    return Collections.unmodifiableSet(read);
  }

  /** The keys that were added to what the file has. */
  Set<String> added() {
    return Collections.unmodifiableSet(added);
  }

  /** The keys of all members, in order. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(members.keySet());
  }

  /** The file that it came from, for messages. */
  public String path() {
    return path;
  }

  /** The error for a member that is not what it must be. */
  public ModelFormatException wrong(String key, String expected) {
    String got = Optional.ofNullable(members.get(key)).map(Object::toString).orElse("nothing");
    return new ModelFormatException(path, prefix + key, expected, got);
  }

  @Override
  public String toString() {
    return members.isEmpty() ? "an empty object" : "an object";
  }
}
