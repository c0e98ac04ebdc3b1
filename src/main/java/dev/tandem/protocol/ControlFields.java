package dev.tandem.protocol;

import dev.tandem.json.JsonMembers;
import dev.tandem.json.JsonSyntaxException;
import dev.tandem.json.StrictJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** The fields of a control message; what is missing or of a wrong kind is named. */
final class ControlFields extends JsonMembers<ProtocolException, ControlFields> {
  private static final StrictJson JSON = new StrictJson(8, 1024, 20);

  private final String path;

  private ControlFields(Map<String, @Nullable Object> members, String path) {
    super(members);
    this.path = path;
  }

  /** Parses an object that is all of {@code text}. */
  static ControlFields parse(String text, int maxBytes) throws ProtocolException {
    if (text.length() > maxBytes) {
      throw new ProtocolException(
          ErrorCode.TOO_LONG,
          "a control message of " + text.length() + " characters, the limit is " + maxBytes);
    }
    try {
      return new ControlFields(JSON.object(text), "");
    } catch (JsonSyntaxException e) {
      throw new ProtocolException(ErrorCode.PROTOCOL, "a control message is " + e.getMessage());
    }
  }

  @Override
  protected ControlFields inside(String where, Map<String, @Nullable Object> inner) {
    return new ControlFields(inner, path + where + ".");
  }

  @Override
  protected ProtocolException refused(String where, String expected, @Nullable Object got) {
    return new ProtocolException(
        ErrorCode.PROTOCOL,
        "field " + path + where + (got == null ? " is missing" : " is not " + expected));
  }

  /** An integer within a range. */
  int integer(String name, int min, int max) throws ProtocolException {
    return inRange(name, integer(name), min, max);
  }

  private int inRange(String name, int number, int min, int max) throws ProtocolException {
    if (number < min || number > max) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL,
          "field " + path + name + " must be in " + min + ".." + max + ", got " + number);
    }
    return number;
  }

  /** An integer within a range; 0 if it is absent. */
  int integerOrZero(String name, int min, int max) throws ProtocolException {
    return has(name) ? integer(name, min, max) : 0;
  }

  /** Two integers, {@code 0 <= first <= second}. */
  int[] range(String name) throws ProtocolException {
    List<Object> pair = required(name);
    if (pair.size() != 2
        || !(pair.get(0) instanceof Integer begin)
        || !(pair.get(1) instanceof Integer end)) {
      throw refused(name, "a pair of integers", pair);
    }
    return new int[] {
      inRange(name, begin, 0, Integer.MAX_VALUE), inRange(name, end, begin, Integer.MAX_VALUE)
    };
  }

  /** A number above 0; empty if it is absent. */
  OptionalDouble positive(String name) throws ProtocolException {
    if (!has(name)) {
      return OptionalDouble.empty();
    }
    double number = number(name, 0);
    if (!(number > 0 && number < Double.POSITIVE_INFINITY)) {
      throw refused(name, "a number above 0", number);
    }
    return OptionalDouble.of(number);
  }

  /** A string. */
  String string(String name) throws ProtocolException {
    return requiredText(name);
  }

  /** A string; empty if it is absent. */
  String stringOrEmpty(String name) throws ProtocolException {
    return text(name).orElse("");
  }

  /** True or false; false if it is absent. */
  boolean flag(String name) throws ProtocolException {
    return flag(name, false);
  }

  /** An object. */
  ControlFields fields(String name) throws ProtocolException {
    return inner(name).orElseThrow(() -> refused(name, "an object", null));
  }

  /** A list of integers, none negative. */
  List<Long> longs(String name) throws ProtocolException {
    List<Long> result = new ArrayList<>();
    for (Object element : required(name)) {
      boolean isLong = element instanceof Integer || element instanceof Long;
      if (!isLong || ((Number) element).longValue() < 0) {
        throw refused(name, "a list of sizes", element);
      }
      result.add(((Number) element).longValue());
    }
    return result;
  }

  /** A list of numbers; empty if it is absent. */
  List<Double> doubles(String name) throws ProtocolException {
    List<Double> result = new ArrayList<>();
    for (Object element : list(name)) {
      if (!(element instanceof Number number)) {
        throw refused(name, "a list of numbers", element);
      }
      result.add(number.doubleValue());
    }
    return result;
  }

  /** A list of strings; empty if it is absent. */
  List<String> strings(String name) throws ProtocolException {
    List<String> result = new ArrayList<>();
    for (Object element : list(name)) {
      if (!(element instanceof String text)) {
        throw refused(name, "a list of strings", element);
      }
      result.add(text);
    }
    return result;
  }

  private List<Object> required(String name) throws ProtocolException {
    if (!has(name)) {
      throw refused(name, "a list", null);
    }
    return list(name);
  }
}
