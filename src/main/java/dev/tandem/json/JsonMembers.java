package dev.tandem.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The members of one JSON object. A reader gets them one by one, and the object remembers which. A
 * member that is {@code null} counts as absent. The error for a member of a wrong kind names it.
 *
 * @param <E> the exception of the room that reads
 * @param <S> the room's own class of members
 */
public abstract class JsonMembers<E extends Exception, S extends JsonMembers<E, S>> {
  private final Map<String, @Nullable Object> members;

  /** The objects inside of this one, by their values. */
  private final IdentityHashMap<Object, S> nested;

  private final Set<String> asked;

  /** Members in the form of {@link StrictJson}; all are unread. */
  protected JsonMembers(Map<String, @Nullable Object> members) {
    this.members = new LinkedHashMap<>(members);
    nested = new IdentityHashMap<>();
    asked = new TreeSet<>();
  }

  /**
   * Changed members of the same object.
   *
   * @param other a member that is read in one of the two objects counts as read in both, also
   *     inside of objects that both have
   */
  protected JsonMembers(Map<String, @Nullable Object> members, JsonMembers<E, S> other) {
    this.members = new LinkedHashMap<>(members);
    nested = other.nested;
    asked = other.asked;
  }

  /**
   * The members of an object inside of this one.
   *
   * @param where the key, and for an object in a list also its index: {@code key[2]}
   */
  protected abstract S inside(String where, Map<String, @Nullable Object> inner);

  /**
   * The error for a member with a wrong value.
   *
   * @param where as for {@link #inside}
   * @param got the value, or null if there is none
   */
  protected abstract E refused(String where, String expected, @Nullable Object got);

  /** All members, also those that are null. */
  protected final Map<String, @Nullable Object> members() {
    return Collections.unmodifiableMap(members);
  }

  /** The names that a reader asked for, present or not. */
  protected final Set<String> asked() {
    return asked;
  }

  /** A member of any kind; null if it is absent. */
  protected final @Nullable Object member(String key) {
    asked.add(key);
    return members.get(key);
  }

  /** Whether the member is present and not null; this does not count as reading it. */
  public boolean has(String key) {
    return members.get(key) != null;
  }

  /** The names of unread members that are present and not null, in order. */
  protected final List<String> unasked() {
    return members.keySet().stream().filter(key -> has(key) && !asked.contains(key)).toList();
  }

  /** A required 32-bit integer. */
  public int integer(String key) throws E {
    Object member = member(key);
    if (member instanceof Integer value) {
      return value;
    }
    throw refused(key, "a 32-bit integer", member);
  }

  /** A 32-bit integer, or the value for an absent one. */
  public int integer(String key, int absent) throws E {
    return member(key) == null ? absent : integer(key);
  }

  /** A number, or the value for an absent one. */
  public double number(String key, double absent) throws E {
    Object member = member(key);
    if (member == null || member instanceof Number) {
      return member == null ? absent : ((Number) member).doubleValue();
    }
    throw refused(key, "a number", member);
  }

  /** True or false, or the value for an absent one. */
  public boolean flag(String key, boolean absent) throws E {
    Object member = member(key);
    if (member == null || member instanceof Boolean) {
      return member == null ? absent : (Boolean) member;
    }
    throw refused(key, "true or false", member);
  }

  /** A string, if it is present. */
  public Optional<String> text(String key) throws E {
    Object member = member(key);
    if (member == null || member instanceof String) {
      return Optional.ofNullable((String) member);
    }
    throw refused(key, "a string", member);
  }

  /** A required string. */
  public String requiredText(String key) throws E {
    Optional<String> text = text(key);
    if (text.isEmpty()) {
      throw refused(key, "a string", null);
    }
    return text.get();
  }

  /** The values of a list, none of which is null; none if it is absent. */
  public List<Object> list(String key) throws E {
    Object member = member(key);
    List<Object> values = new ArrayList<>();
    if (member instanceof List<?> list) {
      for (Object value : list) {
        if (value == null) {
          throw refused(key + "[" + values.size() + "]", "a value", null);
        }
        values.add(value);
      }
    } else if (member != null) {
      throw refused(key, "a list", member);
    }
    return values;
  }

  /** The members of an object, if it is present; the same object each time. */
  protected final Optional<S> inner(String key) throws E {
    Object member = member(key);
    if (member == null) {
      return Optional.empty();
    }
    S known = nested.get(member);
    if (known == null) {
      known = inner(key, member);
      nested.put(member, known);
    }
    return Optional.of(known);
  }

  /** A list of objects; empty if it is absent. */
  public List<S> objects(String key) throws E {
    List<S> objects = new ArrayList<>();
    for (Object value : list(key)) {
      objects.add(inner(key + "[" + objects.size() + "]", value));
    }
    return objects;
  }

  private S inner(String where, Object value) throws E {
    if (!(value instanceof Map<?, ?> map)) {
      throw refused(where, "an object", value);
    }
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    map.forEach((name, member) -> members.put((String) name, member));
    return inside(where, members);
  }
}
