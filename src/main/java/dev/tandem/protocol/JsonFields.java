package dev.tandem.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;

/** Reads the fields of a JSON object; what is missing or of a wrong kind is named. */
final class JsonFields {
  private static final int MAX_STRING = 1024;

  /** Writes and reads; refuses deep, long, repeated and trailing content. */
  static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(8)
                          .maxStringLength(MAX_STRING)
                          .maxNameLength(MAX_STRING)
                          .maxNumberLength(20)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final JsonNode node;
  private final String path;

  private JsonFields(JsonNode node, String path) {
    this.node = node;
    this.path = path;
  }

  /** Parses an object that is all of {@code text}. */
  static JsonFields parse(String text, int maxBytes) throws ProtocolException {
    if (text.length() > maxBytes) {
      throw new ProtocolException(
          ErrorCode.TOO_LONG,
          "a control message of " + text.length() + " characters, the limit is " + maxBytes);
    }
    JsonNode node;
    try {
      node = MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL, "a control message is not JSON: " + e.getOriginalMessage());
    }
    return new JsonFields(object(node, "a control message"), "");
  }

  private static JsonNode object(JsonNode node, String what) throws ProtocolException {
    if (!node.isObject()) {
      throw new ProtocolException(ErrorCode.PROTOCOL, what + " is not a JSON object");
    }
    return node;
  }

  /** Whether the field is there. */
  boolean has(String name) {
    return node.hasNonNull(name);
  }

  /** A field that must be there. */
  private JsonNode field(String name) throws ProtocolException {
    if (!has(name)) {
      throw new ProtocolException(ErrorCode.PROTOCOL, "field " + path + name + " is missing");
    }
    return node.get(name);
  }

  /** An integer within a range. */
  int integer(String name, int min, int max) throws ProtocolException {
    return number(field(name), path + name, min, max);
  }

  /** An integer within a range; 0 if it is absent. */
  int integerOrZero(String name, int min, int max) throws ProtocolException {
    return has(name) ? integer(name, min, max) : 0;
  }

  private static int number(JsonNode value, String what, int min, int max)
      throws ProtocolException {
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new ProtocolException(ErrorCode.PROTOCOL, "field " + what + " is not an integer");
    }
    int number = value.intValue();
    if (number < min || number > max) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL,
          "field " + what + " must be in " + min + ".." + max + ", got " + number);
    }
    return number;
  }

  /** Two integers, {@code 0 <= first <= second}. */
  int[] range(String name) throws ProtocolException {
    JsonNode value = field(name);
    if (!value.isArray() || value.size() != 2) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL, "field " + path + name + " is not a pair of integers");
    }
    int begin = number(value.get(0), path + name, 0, Integer.MAX_VALUE);
    return new int[] {begin, number(value.get(1), path + name, begin, Integer.MAX_VALUE)};
  }

  /** A string. */
  String string(String name) throws ProtocolException {
    JsonNode value = field(name);
    if (!value.isTextual()) {
      throw new ProtocolException(ErrorCode.PROTOCOL, "field " + path + name + " is not a string");
    }
    return value.textValue();
  }

  /** A string; empty if it is absent. */
  String stringOrEmpty(String name) throws ProtocolException {
    return has(name) ? string(name) : "";
  }

  /** True or false; false if it is absent. */
  boolean flag(String name) throws ProtocolException {
    if (!has(name)) {
      return false;
    }
    JsonNode value = field(name);
    if (!value.isBoolean()) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL, "field " + path + name + " is neither true nor false");
    }
    return value.booleanValue();
  }

  /** An object. */
  JsonFields fields(String name) throws ProtocolException {
    return new JsonFields(object(field(name), "field " + path + name), path + name + ".");
  }

  /** A list of objects; empty if it is absent. */
  List<JsonFields> list(String name) throws ProtocolException {
    List<JsonFields> result = new ArrayList<>();
    if (!has(name)) {
      return result;
    }
    JsonNode value = array(name);
    for (int i = 0; i < value.size(); i++) {
      String at = path + name + "[" + i + "]";
      result.add(new JsonFields(object(value.get(i), "field " + at), at + "."));
    }
    return result;
  }

  /** A list of integers, none negative. */
  List<Long> longs(String name) throws ProtocolException {
    JsonNode value = array(name);
    List<Long> result = new ArrayList<>();
    for (JsonNode element : value) {
      if (!element.isIntegralNumber() || !element.canConvertToLong() || element.longValue() < 0) {
        throw new ProtocolException(
            ErrorCode.PROTOCOL, "field " + path + name + " holds something else than sizes");
      }
      result.add(element.longValue());
    }
    return result;
  }

  private JsonNode array(String name) throws ProtocolException {
    JsonNode value = field(name);
    if (!value.isArray()) {
      throw new ProtocolException(ErrorCode.PROTOCOL, "field " + path + name + " is not a list");
    }
    return value;
  }
}
