package dev.tandem.tokenizer.bpe;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Gpt2Forms;
import dev.tandem.tokenizer.files.TestTokenizers;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.text.Unicode13;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * GPT-2's vocabulary against an independent implementation: the built-in one, and that from each of
 * its file forms, on fewer texts unless the run is a long one.
 */
@Tag("slow")
class JtokkitAgreementTest {
  private static final Tokenizer GPT2 = Tokenizers.gpt2();
  private static final Encoding ORACLE =
      Encodings.newDefaultEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

  /** Of the code points, every so many-th is tried in a short run: built in, and with the forms. */
  private static final int STEP = TestTokenizers.LONG ? 1 : 11;

  private static final int FORMS_STEP = TestTokenizers.LONG ? 1 : 97;

  private static Map<String, Tokenizer> forms = Map.of();

  @BeforeAll
  static void readForms() throws TokenizerFormatException {
    forms = Gpt2Forms.tokenizers();
  }

  @Test
  void everyTokenHasTheSameBytes() {
    assertThat(GPT2.vocabSize()).isEqualTo(50_257);
    IntArrayList one = new IntArrayList(1);
    for (int id = 0; id < GPT2.vocabSize(); id++) {
      one.clear();
      one.add(id);
      assertThat(GPT2.bytes(id)).as("id %d", id).isEqualTo(ORACLE.decodeBytes(one));
    }
  }

  @Test
  void randomTextsHaveTheSameIds() {
    long seed = 20_240_102;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 1_000_000 : 15_000;
    for (int i = 0; i < count; i++) {
      String text = texts.next();
      assertSameIds(text, "seed " + seed + ", text " + i);
    }
  }

  /** Words so long that their merges come from the heap, in letters that merge often. */
  @Test
  void longWordsHaveTheSameIds() {
    long seed = 20_240_112;
    Random random = new Random(seed);
    String excerpt =
        new String(
            TestTokenizers.resource("/dev/tandem/tokenizer/excerpt.txt"), StandardCharsets.UTF_8);
    String letters = excerpt.replaceAll("[^A-Za-z]", "");
    assertSameIds(letters, "letters of excerpt.txt");
    for (int i = 0; i < 1_000; i++) {
      StringBuilder word = new StringBuilder(i % 2 == 0 ? "" : " ");
      int length = 40 + random.nextInt(i % 10 == 0 ? 3_000 : 200);
      for (int j = 0; j < length; j++) {
        word.append(
            i % 3 == 0 ? "=-#*".charAt(j * 4 / length) : letters.charAt(random.nextInt(99)));
      }
      assertSameIds(word.toString(), "seed " + seed + ", word " + i);
    }
  }

  /** Assigned and unassigned alike: the classes of both are JDK 17's. */
  @Test
  void codePointsHaveTheSameIdsAloneAndInContext() {
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint += STEP) {
      if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
        String character = Character.toString(codePoint);
        assertSameIds(character, character);
        assertSameIds("a " + character + character + "1 \n" + character + "'s", character);
      }
    }
  }

  @Test
  void everyFileFormHasTheSameTokens() {
    forms.forEach(
        (form, tokenizer) -> {
          assertThat(tokenizer.vocabSize()).as(form).isEqualTo(50_257);
          assertThat(tokenizer.stopIds()).as(form).containsExactly(50_256);
          assertThat(tokenizer.bosId()).as(form).hasValue(50_256);
          assertThat(tokenizer.encodePrompt("", true)).as(form).isEmpty();
          for (int id = 0; id < 50_257; id++) {
            if (!Arrays.equals(tokenizer.bytes(id), GPT2.bytes(id))
                || tokenizer.isSpecial(id) != GPT2.isSpecial(id)) {
              assertThat(tokenizer.bytes(id)).as("%s, id %d", form, id).isEqualTo(GPT2.bytes(id));
            }
          }
        });
  }

  @Test
  void everyFileFormGivesTheSameIds() {
    long seed = 20_240_122;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 1_000_000 : 3_000;
    for (int i = 0; i < count; i++) {
      assertSameIdsInAllForms(texts.next(), "seed " + seed + ", text " + i);
    }
    for (int c = 0; c <= Character.MAX_CODE_POINT; c += FORMS_STEP) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        String character = Character.toString(c);
        assertSameIdsInAllForms("a " + character + character + "1 \n" + character + "'s", "");
      }
    }
    forms.forEach(
        (form, tokenizer) ->
            assertThat(tokenizer.encode("a <|endoftext|> b", true))
                .as(form)
                .containsExactly(64, 220, 50_256, 275));
  }

  /** The merges that follow from the ids alone are those of GPT-2. */
  @Test
  void mergesOfVocabulariesAloneAreThoseOfGpt2() {
    for (String form : List.of("vocab.bin", "StaticGrad", "gpt2_tokenizer.bin 1")) {
      assertThat(
              Tokenizers.vocabularyOf(requireNonNull(forms.get(form)))
                  .merges()
                  .equals(Gpt2Forms.MERGES))
          .as(form)
          .isTrue();
    }
  }

  @Test
  void excerptHasTheSameIds() {
    byte[] excerpt = TestTokenizers.resource("/dev/tandem/tokenizer/excerpt.txt");
    assertSameIds(new String(excerpt, StandardCharsets.UTF_8), "excerpt.txt");
  }

  @Test
  void specialTokenIsParsedOnlyOnDemand() {
    String text = "a <|endoftext|><|endoftext|> b";
    assertThat(GPT2.encode(text, false)).isEqualTo(ORACLE.encodeOrdinary(text).toArray());
    assertThat(GPT2.encode(text, true)).containsExactly(64, 220, 50_256, 50_256, 275);
  }

  /** The oracle uses the JDK's Unicode: what that knows otherwise is replaced. */
  private static void assertSameIds(String anyText, String description) {
    String text = Unicode13.forThisJdk(anyText);
    assertIds(GPT2, text, ORACLE.encodeOrdinary(text).toArray(), "built in", description);
  }

  private void assertSameIdsInAllForms(String anyText, String description) {
    String text = Unicode13.forThisJdk(anyText);
    int[] expected = ORACLE.encodeOrdinary(text).toArray();
    forms.forEach((form, tokenizer) -> assertIds(tokenizer, text, expected, form, description));
  }

  private static void assertIds(
      Tokenizer tokenizer, String text, int[] expected, String form, String description) {
    int[] ids = tokenizer.encode(text, false);
    if (!Arrays.equals(ids, expected)) {
      assertThat(ids).as("%s, %s: %s", form, description, text).isEqualTo(expected);
    }
  }
}
