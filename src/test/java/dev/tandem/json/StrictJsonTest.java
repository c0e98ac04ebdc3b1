package dev.tandem.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrictJsonTest {
  private static final StrictJson JSON = new StrictJson(3, 8, 6);

  /** Members whose errors say where, what was expected, and what was there. */
  private static final class Members extends JsonMembers<Refused, Members> {
    private final String path;

    Members(String path, Map<String, @Nullable Object> members) {
      super(members);
      this.path = path;
    }

    static Members of(String text) throws JsonSyntaxException {
      return new Members("", new StrictJson(9, 100, 100).object(text));
    }

    @Override
    protected Members inside(String where, Map<String, @Nullable Object> inner) {
      return new Members(path + where + ".", inner);
    }

    @Override
    protected Refused refused(String where, String expected, @Nullable Object got) {
      return new Refused(path + where + ": " + expected + ", got " + got);
    }

    Members with(Map<String, @Nullable Object> others) {
      return new Members(this, others);
    }

    private Members(Members other, Map<String, @Nullable Object> members) {
      super(members, other);
      path = other.path;
    }
  }

  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    Refused(String message) {
      super(message);
    }
  }

  @Test
  void everyKindOfValue() throws JsonSyntaxException {
    Map<String, @Nullable Object> members =
        new StrictJson(9, 100, 100)
            .object(
                "{\"i\": 1, \"l\": 12345678901, \"b\": 123456789012345678901, \"d\": 0.5,"
                    + " \"t\": true, \"s\": \"é\", \"n\": null, \"a\": [1, null], \"o\": {}}");
    assertThat(members)
        .containsEntry("i", 1)
        .containsEntry("l", 12_345_678_901L)
        .containsEntry("b", new BigInteger("123456789012345678901"))
        .containsEntry("d", 0.5)
        .containsEntry("t", true)
        .containsEntry("s", "é")
        .containsEntry("n", null)
        .containsEntry("a", Arrays.asList(1, null))
        .containsEntry("o", Map.of());
    assertThat(members.keySet()).containsExactly("i", "l", "b", "d", "t", "s", "n", "a", "o");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "`[]`,not a JSON object",
        "``,not a JSON object",
        "`{} {}`,more than one JSON value",
        "`{\"a\": 1`,malformed JSON: Unexpected end-of-input",
        "`{\"a\": 1, \"a\": 1}`,malformed JSON: Duplicate field 'a'",
        "`{\"a\": null, \"a\": 1}`,Duplicate field 'a'",
        "`{\"o\": [{\"a\": 1, \"a\": 2}]}`,Duplicate field 'a'",
        "`{\"a\": [[[]]]}`,depth",
        "`{\"a\": \"123456789\"}`,length",
        "`{\"a23456789\": 1}`,length",
        "`{\"a\": 1234567}`,length",
        "`{\"a\": NaN}`,malformed JSON",
      })
  void whatIsRefused(String text, String message) {
    assertThatThrownBy(() -> JSON.object(text))
        .isInstanceOf(JsonSyntaxException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aStreamRefusesRepeatedMembersToo() throws Exception {
    byte[] text = "{\"a\": 1, \"a\": 2}".getBytes(StandardCharsets.UTF_8);
    try (JsonParser parser = JSON.parser(text)) {
      assertThatThrownBy(() -> readToEnd(parser)).hasMessageContaining("Duplicate field 'a'");
    }
  }

  private static int readToEnd(JsonParser parser) throws IOException {
    int tokens = 0;
    while (parser.nextToken() != null) {
      tokens++;
    }
    return tokens;
  }

  @Test
  void membersAreOfTheirKinds() throws Exception {
    Members members =
        Members.of(
            "{\"i\": 1, \"l\": 12345678901, \"d\": 0.5, \"t\": true, \"s\": \"x\", \"n\": null,"
                + " \"a\": [{}, {\"i\": []}], \"bad\": [1, null]}");
    assertThat(members.integer("i")).isEqualTo(1);
    assertThat(members.integer("n", 7)).isEqualTo(7);
    assertThat(members.number("d", 0)).isEqualTo(0.5);
    assertThat(members.flag("t", false)).isTrue();
    assertThat(members.text("s")).contains("x");
    assertThat(members.text("n")).isEmpty();
    List<Members> objects = members.objects("a");
    assertThatThrownBy(() -> members.integer("l"))
        .hasMessage("l: a 32-bit integer, got 12345678901");
    assertThatThrownBy(() -> members.integer("none"))
        .hasMessage("none: a 32-bit integer, got null");
    assertThatThrownBy(() -> members.flag("s", true)).hasMessage("s: true or false, got x");
    assertThatThrownBy(() -> members.number("s", 1)).hasMessage("s: a number, got x");
    assertThatThrownBy(() -> members.requiredText("n")).hasMessage("n: a string, got null");
    assertThatThrownBy(() -> members.list("s")).hasMessage("s: a list, got x");
    assertThatThrownBy(() -> members.list("bad")).hasMessage("bad[1]: a value, got null");
    assertThatThrownBy(() -> members.objects("bad")).isInstanceOf(Refused.class);
    assertThatThrownBy(() -> members.inner("i")).hasMessage("i: an object, got 1");
    assertThatThrownBy(() -> objects.get(1).integer("i"))
        .hasMessage("a[1].i: a 32-bit integer, got []");
  }

  @Test
  void whatWasAskedForIsRemembered() throws Exception {
    Members members = Members.of("{\"a\": 1, \"o\": {\"b\": 1, \"c\": 2}, \"n\": null, \"d\": 3}");
    assertThat(members.unasked()).containsExactly("a", "o", "d");
    assertThat(members.has("a")).isTrue();
    assertThat(members.integer("a")).isEqualTo(1);
    assertThat(members.inner("o").orElseThrow().integer("b")).isEqualTo(1);
    assertThat(members.integer("absent", 0)).isZero();
    assertThat(members.unasked()).containsExactly("d");
    assertThat(members.asked()).containsExactly("a", "absent", "o");
    Members changed = members.with(members.members());
    assertThat(changed.integer("d")).isEqualTo(3);
    assertThat(members.unasked()).isEmpty();
    assertThat(changed.inner("o").orElseThrow().unasked()).containsExactly("c");
  }
}
