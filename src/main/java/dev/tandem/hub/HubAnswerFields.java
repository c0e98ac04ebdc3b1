package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import dev.tandem.json.JsonMembers;
import dev.tandem.json.JsonSyntaxException;
import dev.tandem.json.StrictJson;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The members of an object in a hub's answer, or in an index that a hub sent. */
final class HubAnswerFields extends JsonMembers<HubException, HubAnswerFields> {
  private static final StrictJson JSON = new StrictJson(64, 1 << 20, 100);
  private static final int MAX_SHOWN_CHARS = 100;

  private final String what;

  private HubAnswerFields(String what, Map<String, @Nullable Object> members) {
    super(members);
    this.what = what;
  }

  /**
   * Parses what a hub sent.
   *
   * @param what the subject of a message
   */
  static HubAnswerFields parse(String what, byte[] answer) throws HubException {
    try {
      return new HubAnswerFields(what, JSON.object(answer));
    } catch (JsonSyntaxException e) {
      throw new HubException(what + " is " + e.getMessage() + "; is HF_ENDPOINT right?", e);
    }
  }

  @Override
  protected HubAnswerFields inside(String where, Map<String, @Nullable Object> inner) {
    return new HubAnswerFields(what, inner);
  }

  @Override
  protected HubException refused(String where, String expected, @Nullable Object got) {
    return unusable("\"" + where + "\" must be " + expected, got);
  }

  /** The error for an answer that does not say what it must. */
  HubException unusable(String rule, @Nullable Object got) {
    String shown = got == null ? "nothing" : got.toString();
    return new HubException(
        what
            + " cannot be used: "
            + rule
            + ", got "
            + (shown.length() > MAX_SHOWN_CHARS
                ? shown.substring(0, MAX_SHOWN_CHARS) + "..."
                : shown));
  }

  /** The value of a member of any kind; null if it is absent. */
  @Nullable Object any(String key) {
    return member(key);
  }

  /** A text; empty if the member is absent or no text. */
  String textOrEmpty(String key) {
    return member(key) instanceof String text ? text : "";
  }

  /** The object that a member is; null if it is anything else. */
  @Nullable HubAnswerFields objectOrNull(String key) throws HubException {
    return member(key) instanceof Map<?, ?> ? inner(key).orElse(null) : null;
  }

  /** A number of bytes, if it is there. */
  OptionalLong bytes(String key) throws HubException {
    Object size = member(key);
    if (size == null) {
      return OptionalLong.empty();
    }
    boolean isLong = size instanceof Integer || size instanceof Long;
    if (!isLong || ((Number) size).longValue() < 0) {
      throw refused(key, "a number of bytes", size);
    }
    return OptionalLong.of(((Number) size).longValue());
  }
}
