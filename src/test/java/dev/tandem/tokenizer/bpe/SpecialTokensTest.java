package dev.tandem.tokenizer.bpe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SpecialTokensTest {
  @Test
  void theLeftmostAndOfThoseTheLongest() {
    Map<Integer, String> forms = Map.of(1, "<a>", 2, "<a><b>", 3, "<b>x", 4, "", 5, "a");
    assertThat(scan(forms, "<a><b>x")).isEqualTo("#2 [x]");
    assertThat(scan(forms, "<<a>><b>x")).isEqualTo("[<] #1 [>] #3");
    assertThat(scan(forms, "banana")).isEqualTo("[b] #5 [n] #5 [n] #5");
    assertThat(scan(forms, "")).isEmpty();
    assertThat(scan(forms, "<b>")).isEqualTo("[<b>]");
    assertThat(scan(Map.of(), "<a>")).isEqualTo("[<a>]");
  }

  @Test
  void whiteSpaceBelongsToTokensThatTakeIt() {
    SpecialTokens.Entry left = new SpecialTokens.Entry("<l>", 1, true, false);
    SpecialTokens.Entry right = new SpecialTokens.Entry("<r>", 2, false, true);
    List<SpecialTokens.Entry> entries = List.of(left, right);
    assertThat(scan(entries, "a \t<l> b")).isEqualTo("[a] #1 [ b]");
    assertThat(scan(entries, "a <r> \u3000\nb")).isEqualTo("[a ] #2 [b]");
    assertThat(scan(entries, "<r> <l> <r>")).isEqualTo("#2 #1 [ ] #2");
    assertThat(scan(entries, " <l>")).isEqualTo("#1");
  }

  private static String scan(Map<Integer, String> forms, String text) {
    List<SpecialTokens.Entry> entries = new ArrayList<>();
    forms.forEach((id, form) -> entries.add(new SpecialTokens.Entry(form, id, false, false)));
    return scan(entries, text);
  }

  private static String scan(List<SpecialTokens.Entry> entries, String text) {
    StringBuilder parts = new StringBuilder();
    new SpecialTokens(entries)
        .scan(
            text,
            new SpecialTokens.Sink() {
              @Override
              public void text(int start, int end) {
                parts.append(" [").append(text, start, end).append(']');
              }

              @Override
              public void special(int id) {
                parts.append(" #").append(id);
              }
            });
    return parts.toString().strip();
  }
}
