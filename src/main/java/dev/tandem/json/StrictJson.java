package dev.tandem.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Parses JSON within limits; a repeated member of an object is an error at any depth. It is a
 * streaming parser only, because data binding would triple the start-up time. Safe for use by many
 * threads.
 *
 * <p>A value is a {@code Map} of members in their order, a {@code List}, {@link String}, {@link
 * Integer}, {@link Long}, {@link java.math.BigInteger}, {@link Double}, {@link Boolean} or null.
 */
public final class StrictJson {
  private final JsonFactory factory;

  /**
   * A parser with limits.
   *
   * @param maxDepth of objects and lists in each other
   * @param maxStringChars of a string, and of a member's name
   * @param maxNumberChars of a number as it is written
   */
  public StrictJson(int maxDepth, int maxStringChars, int maxNumberChars) {
    factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(maxDepth)
                    .maxStringLength(maxStringChars)
                    .maxNameLength(maxStringChars)
                    .maxNumberLength(maxNumberChars)
                    .build())
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();
  }

  /** For large files that are read token by token; the names of members are not compared. */
  public JsonFactory factory() {
    return factory;
  }

  /** A parser for a text that is read token by token and is in memory; refuses repeated members. */
  public JsonParser parser(byte[] text) throws IOException {
    return factory.createParser(text).enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
  }

  /**
   * The members of the object that a text is, in UTF-8.
   *
   * @throws JsonSyntaxException if it is not one JSON object, or exceeds a limit
   */
  public Map<String, @Nullable Object> object(byte[] text) throws JsonSyntaxException {
    try (JsonParser parser = factory.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new JsonSyntaxException("not a JSON object");
      }
      Map<String, @Nullable Object> members = members(parser);
      if (parser.nextToken() != null) {
        throw new JsonSyntaxException("malformed JSON: more than one JSON value");
      }
      return members;
    } catch (IOException e) {
      throw syntax(e);
    }
  }

  /** As {@link #object(byte[])}. */
  public Map<String, @Nullable Object> object(String text) throws JsonSyntaxException {
    return object(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The value at whose first token a parser of {@link #factory} is.
   *
   * @throws IOException if it is malformed; see {@link #syntax}
   */
  public static @Nullable Object value(JsonParser parser) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == null) {
      throw new JsonSyntaxException("malformed JSON: a value must follow, got the end");
    }
    return switch (token) {
      case START_OBJECT -> members(parser);
      case START_ARRAY -> {
        List<@Nullable Object> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          values.add(value(parser));
        }
        yield values;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT -> parser.getNumberValue();
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  private static Map<String, @Nullable Object> members(JsonParser parser) throws IOException {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      Object value = value(parser);
      if (members.containsKey(name)) {
        throw new JsonSyntaxException("malformed JSON: Duplicate field '" + name + "'");
      }
      members.put(name, value);
    }
    return members;
  }

  /** What is wrong with a text in memory: reading it fails only where it is not as it must be. */
  public static JsonSyntaxException syntax(IOException e) {
    if (e instanceof JsonSyntaxException known) {
      return known;
    }
    String reason =
        e instanceof JsonProcessingException json
            ? json.getOriginalMessage()
            : String.valueOf(e.getMessage());
    return new JsonSyntaxException("malformed JSON: " + reason, e);
  }
}
