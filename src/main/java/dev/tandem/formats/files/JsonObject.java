package dev.tandem.formats.files;

import dev.tandem.json.JsonMembers;
import dev.tandem.json.JsonSyntaxException;
import dev.tandem.json.StrictJson;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Remedy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The members of a config, or of another JSON object beside a model. It remembers which members a
 * reader asked for, present or not, so that unread fields can be found.
 */
public final class JsonObject extends JsonMembers<ModelFormatException, JsonObject> {
  /** Strict and bounded. */
  public static final StrictJson JSON = new StrictJson(64, 1 << 20, 1000);

  /** Strings that say that something is off. */
  private static final Set<String> OFF = Set.of("", "none", "null", "no", "off", "false");

  private final String path;

  /** The prefix of the keys in messages: the keys of the enclosing objects. */
  private final String prefix;

  /** Keys from {@link #with} that are not in the file. */
  private final Set<String> added = new LinkedHashSet<>();

  private JsonObject(String path, String prefix, Map<String, @Nullable Object> members) {
    super(members);
    this.path = path;
    this.prefix = prefix;
  }

  /** The same object with other members. */
  private JsonObject(JsonObject other, Map<String, @Nullable Object> members) {
    super(members, other);
    this.path = other.path;
    this.prefix = other.prefix;
  }

  /**
   * Parses a whole file.
   *
   * @throws ModelFormatException if it is not one JSON object
   */
  public static JsonObject parse(String path, byte[] json) throws ModelFormatException {
    try {
      return new JsonObject(path, "", JSON.object(json));
    } catch (JsonSyntaxException e) {
      throw malformed(path, e);
    }
  }

  /**
   * An object of known members, such as a config that is part of another file.
   *
   * @param members of the types {@link String}, {@link Long}, {@link Double} and {@link Boolean}
   */
  public static JsonObject of(String path, Map<String, Object> members) {
    Map<String, @Nullable Object> read = new LinkedHashMap<>();
    members.forEach((key, value) -> read.put(key, value instanceof Long n ? shortest(n) : value));
    return new JsonObject(path, "", read);
  }

  /** An object without members. */
  public static JsonObject empty(String path) {
    return new JsonObject(path, "", Map.of());
  }

  @Override
  protected JsonObject inside(String where, Map<String, @Nullable Object> inner) {
    return new JsonObject(path, prefix + where + ".", inner);
  }

  @Override
  protected ModelFormatException refused(String where, String expected, @Nullable Object got) {
    return refused(where, expected, got, new Remedy[0]);
  }

  private ModelFormatException refused(
      String where, String expected, @Nullable Object got, Remedy... remedies) {
    String shown =
        got instanceof Map<?, ?> map
            ? map.isEmpty() ? "an empty object" : "an object"
            : got == null ? "nothing" : got.toString();
    return new ModelFormatException(path, prefix + where, expected, shown, remedies);
  }

  /** Whether it has no members, not even null. */
  public boolean isEmpty() {
    return members().isEmpty();
  }

  /** The same members, all unread. */
  public JsonObject unread() {
    JsonObject copy = new JsonObject(path, prefix, members());
    copy.added.addAll(added);
    return copy;
  }

  /**
   * The same with members added or replaced; a value is a number, true, false, null or text. A
   * member that is read in one of the two objects counts as read in both.
   */
  public JsonObject with(Map<String, String> pairs) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(members());
    pairs.forEach(
        (key, value) -> {
          changed.remove(key);
          changed.put(key, parsed(value));
        });
    JsonObject result = new JsonObject(this, changed);
    result.added.addAll(added);
    pairs.keySet().stream().filter(key -> !members().containsKey(key)).forEach(result.added::add);
    return result;
  }

  private static @Nullable Object parsed(String value) {
    if (value.matches("-?[0-9]{1,18}")) {
      return shortest(Long.parseLong(value));
    }
    if (value.matches("-?[0-9.]{1,30}([eE][-+]?[0-9]{1,3})?") && !value.endsWith(".")) {
      return Double.valueOf(value);
    }
    if (value.equals("true") || value.equals("false")) {
      return Boolean.valueOf(value);
    }
    return value.equals("null") ? null : value;
  }

  /** As {@link StrictJson} gives a number of this value. */
  private static Number shortest(long value) {
    int small = (int) value;
    return small == value ? (Number) small : (Number) value;
  }

  /** Reading from memory fails only if the content is malformed. */
  public static ModelFormatException malformed(String path, IOException e) {
    if (e instanceof ModelFormatException known) {
      return known;
    }
    ModelFormatException malformed =
        new ModelFormatException(path, String.valueOf(StrictJson.syntax(e).getMessage()));
    malformed.initCause(e);
    return malformed;
  }

  /** Whether the member is present and null, which differs from an absent member with a default. */
  public boolean isNull(String key) {
    return member(key) == null && members().containsKey(key);
  }

  /** Whether the member is present, not null, and not an empty object or array. */
  @Override
  public boolean has(String key) {
    Object member = member(key);
    return member != null && !isEmpty(member);
  }

  private static boolean isEmpty(Object member) {
    return (member instanceof Map<?, ?> map && map.isEmpty())
        || (member instanceof List<?> list && list.isEmpty());
  }

  /** A string, or what stands for an absent one. */
  public String text(String key, String absent) throws ModelFormatException {
    return text(key).orElse(absent);
  }

  /** A member that is an object; empty if it is absent. */
  public JsonObject object(String key) throws ModelFormatException {
    return inner(key).orElseGet(() -> inside(key, Map.of()));
  }

  /** A member that is a 32-bit integer or a list of them; empty if it is absent. */
  public int[] integers(String key) throws ModelFormatException {
    Object member = member(key);
    if (!(member instanceof List<?> list)) {
      return member == null ? new int[0] : new int[] {integer(key)};
    }
    int[] integers = new int[list.size()];
    for (int i = 0; i < integers.length; i++) {
      if (!(list.get(i) instanceof Number number) || number.intValue() != number.doubleValue()) {
        throw wrong(key, "a 32-bit integer or a list of them");
      }
      integers[i] = number.intValue();
    }
    return integers;
  }

  /** A member that is a list of strings; empty if it is absent. */
  public List<String> texts(String key) throws ModelFormatException {
    List<String> texts = new ArrayList<>();
    for (Object value : list(key)) {
      if (!(value instanceof String text)) {
        throw wrong(key, "a list of strings");
      }
      texts.add(text);
    }
    return texts;
  }

  /** Whether a member is empty or means that something is off: null, false, 0, empty or "none". */
  public boolean isOff(String key) {
    Object member = members().get(key);
    return member == null
        || Boolean.FALSE.equals(member)
        || (member instanceof Number number && number.doubleValue() == 0)
        || (member instanceof String text && OFF.contains(text.toLowerCase(Locale.ROOT)))
        || isEmpty(member);
  }

  /**
   * Checks that a number, if present, has the only supported value.
   *
   * @throws ModelFormatException naming it
   */
  public void requireNumber(String key, double supported) throws ModelFormatException {
    if (number(key, supported) != supported) {
      throw wrong(key, supported + ", because other values are not supported");
    }
  }

  /** Whether a reader asked for a member. */
  public boolean isRead(String key) {
    return asked().contains(key);
  }

  /** All keys that readers asked for, in alphabetical order. */
  Set<String> readKeys() {
    return Collections.unmodifiableSet(asked());
  }

  /** The keys that were added to those of the file. */
  Set<String> added() {
    return Collections.unmodifiableSet(added);
  }

  /** The keys of all members, in order. */
  public Set<String> keys() {
    return members().keySet().stream()
        .filter(super::has)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** The file of the object, for messages. */
  public String path() {
    return path;
  }

  /** The error for a member with a wrong value, and the settings each of which mends it. */
  public ModelFormatException wrong(String key, String expected, Remedy... remedies) {
    return refused(key, expected, members().get(key), remedies);
  }
}
