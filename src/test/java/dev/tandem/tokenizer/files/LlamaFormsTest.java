package dev.tandem.tokenizer.files;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Llama 2's real vocabulary gives the ids of llama2.c's {@code run.c} ({@link RunCReference}, which
 * concatenates strings and scans all pairs) from each of its file forms.
 */
@Tag("slow")
class LlamaFormsTest {
  private static final RunCReference RUN_C =
      new RunCReference(LlamaForms.TOKENIZER_BIN, LlamaForms.VOCAB_SIZE);

  private static Map<String, Tokenizer> forms = Map.of();

  @BeforeAll
  static void readForms() throws TokenizerFormatException {
    forms = LlamaForms.tokenizers();
  }

  private static Tokenizer form(String name) {
    return requireNonNull(forms.get(name), name);
  }

  @Test
  void everyFormHasTheSameTokens() {
    Tokenizer first = form("tokenizer.bin");
    forms.forEach(
        (form, tokenizer) -> {
          assertThat(tokenizer.vocabSize()).as(form).isEqualTo(32_000);
          assertThat(tokenizer.bosId()).as(form).hasValue(1);
          assertThat(tokenizer.stopIds()).as(form).contains(2);
          assertThat(tokenizer.encodePrompt("", false)).as(form).containsExactly(1);
          for (int id = 0; id < 32_000; id++) {
            if (!Arrays.equals(tokenizer.bytes(id), first.bytes(id))
                || tokenizer.isSpecial(id) != first.isSpecial(id)) {
              assertThat(tokenizer.bytes(id)).as("%s, id %d", form, id).isEqualTo(first.bytes(id));
            }
          }
        });
  }

  @Test
  void randomTextsHaveTheIdsOfRunCAndRoundTrip() {
    long seed = 20_240_125;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 200_000 : 5_000;
    for (int i = 0; i < count; i++) {
      String text = texts.next();
      boolean lookalike = text.contains("\u2581");
      int[] expected = lookalike ? new int[0] : RUN_C.encode(text);
      for (Map.Entry<String, Tokenizer> form : forms.entrySet()) {
        String description = form.getKey() + ", seed " + seed + ", text " + i + ": " + text;
        int[] ids = form.getValue().encode(text, false);
        if (!lookalike && !Arrays.equals(ids, expected)) {
          assertThat(ids).as(description).isEqualTo(expected);
        }
        assertRoundTrip(form.getKey(), form.getValue(), text, description);
      }
    }
  }

  @Test
  void theExcerptHasTheIdsOfRunC() {
    String excerpt =
        new String(
            TestTokenizers.resource("/dev/tandem/tokenizer/excerpt.txt"), StandardCharsets.UTF_8);
    String start = excerpt.substring(0, 3_000);
    int[] expected = RUN_C.encode(start);
    forms.forEach(
        (form, tokenizer) ->
            assertThat(tokenizer.encode(start, false)).as(form).isEqualTo(expected));
  }

  @Test
  void everyCodePointRoundTrips() {
    int step = TestTokenizers.LONG ? 1 : 47;
    forms.forEach(
        (form, tokenizer) -> {
          for (int c = 0; c <= Character.MAX_CODE_POINT; c += step) {
            if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
              assertRoundTrip(form, tokenizer, "a" + Character.toString(c) + " b", form + " " + c);
            }
          }
        });
  }

  /** For SentencePiece, a text's own U+2581 is a space; llama2.c tells them apart. */
  private static void assertRoundTrip(
      String form, Tokenizer tokenizer, String text, String description) {
    String expected = form.startsWith("tokenizer.bin") ? text : text.replace('\u2581', ' ');
    String decoded = tokenizer.decode(tokenizer.encodePrompt(text, false));
    if (!decoded.equals(expected)) {
      assertThat(decoded).as(description).isEqualTo(expected);
    }
  }

  /** What each program does with text behind a special token. */
  @Test
  void spacesBehindSpecialTokens() {
    Map<String, int[]> expected = new LinkedHashMap<>();
    int[] spaceA = {263}; // " a"
    assertThat(form("GGUF").encode("a", false)).isEqualTo(spaceA);
    expected.put("tokenizer.bin", new int[] {263, 2, 29_874});
    expected.put("tokenizer.model", new int[] {263, 2, 29_874});
    expected.put("tokenizer.json", new int[] {263, 2, 263});
    expected.put("GGUF", new int[] {263, 2, 263});
    expected.forEach(
        (form, ids) -> {
          assertThat(form(form).encode("a</s>a", true)).as(form).isEqualTo(ids);
          assertThat(form(form + " written to GGUF").encode("a</s>a", true))
              .as(form)
              .isEqualTo(ids);
          assertThat(form(form).encode("a</s>a", false)).as(form).doesNotContain(2);
        });
  }
}
