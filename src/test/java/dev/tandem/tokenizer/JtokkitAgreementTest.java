package dev.tandem.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** GPT-2's built-in vocabulary against an independent implementation. */
class JtokkitAgreementTest {
  private static final Tokenizer GPT2 = Tokenizers.gpt2();
  private static final Encoding ORACLE =
      Encodings.newDefaultEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

  @BeforeAll
  static void sameUnicode() {
    assumeTrue(Runtime.version().feature() == 17, "the oracle uses the JDK's Unicode data");
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
    int count = TestTokenizers.LONG ? 1_000_000 : 100_000;
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
    String excerpt = new String(TestTokenizers.resource("excerpt.txt"), StandardCharsets.UTF_8);
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
  void everyCodePointHasTheSameIdsAloneAndInContext() {
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
      if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
        String character = Character.toString(codePoint);
        assertSameIds(character, character);
        assertSameIds("a " + character + character + "1 \n" + character + "'s", character);
      }
    }
  }

  @Test
  void excerptHasTheSameIds() {
    byte[] excerpt = TestTokenizers.resource("excerpt.txt");
    assertSameIds(new String(excerpt, StandardCharsets.UTF_8), "excerpt.txt");
  }

  @Test
  void specialTokenIsParsedOnlyOnDemand() {
    String text = "a <|endoftext|><|endoftext|> b";
    assertThat(GPT2.encode(text, false)).isEqualTo(ORACLE.encodeOrdinary(text).toArray());
    assertThat(GPT2.encode(text, true)).containsExactly(64, 220, 50_256, 50_256, 275);
  }

  private static void assertSameIds(String text, String description) {
    int[] expected = ORACLE.encodeOrdinary(text).toArray();
    int[] ids = GPT2.encode(text, false);
    if (!Arrays.equals(ids, expected)) {
      assertThat(ids).as(description + ": " + text).isEqualTo(expected);
    }
  }
}
