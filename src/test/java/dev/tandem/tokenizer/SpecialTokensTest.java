package dev.tandem.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

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

  private static String scan(Map<Integer, String> forms, String text) {
    StringBuilder parts = new StringBuilder();
    new SpecialTokens(forms)
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
