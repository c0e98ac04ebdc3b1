package dev.tandem.tokenizer.bpe;

import static org.assertj.core.api.Assertions.assertThat;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.TestTokenizers;
import dev.tandem.tokenizer.files.TokenizerJson;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.text.Unicode13;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The whole path of a Llama-3-style {@code tokenizer.json} against JTokkit's cl100k_base, another
 * implementation of the same split: its vocabulary of 100,256 tokens is written as such a file (the
 * merge into a token is what the tokens of less rank leave of its bytes), with Llama 3's split
 * pattern and {@code ignore_merges}. Llama 3's pattern is the one that cl100k_base was published
 * with.
 */
@Tag("slow")
class Cl100kAgreementTest {
  private static final Encoding ORACLE =
      Encodings.newDefaultEncodingRegistry().getEncoding(EncodingType.CL100K_BASE);
  private static final int VOCAB_SIZE = 100_256;

  private static Tokenizer tokenizer = Tokenizers.gpt2();

  @BeforeAll
  static void writeAndRead() throws TokenizerFormatException {
    Map<String, Integer> ids = new LinkedHashMap<>();
    IntArrayList one = new IntArrayList(1);
    for (int id = 0; id < VOCAB_SIZE; id++) {
      one.clear();
      one.add(id);
      ids.put(ByteAlphabet.spell(ORACLE.decodeBytes(one)), id);
    }
    assertThat(ids).hasSize(VOCAB_SIZE);
    tokenizer =
        Tokenizers.huggingFace(
            new TokenizerJson()
                .vocab(ids)
                .merges(merges(ids), true)
                .withModel("ignore_merges", "true")
                .with(
                    "pre_tokenizer",
                    TokenizerJson.sequence(
                        TokenizerJson.split(NaiveBpe.LLAMA3), TokenizerJson.BYTE_LEVEL_NO_REGEX))
                .with("decoder", TokenizerJson.BYTE_LEVEL)
                .added(VOCAB_SIZE + 1, "<|endoftext|>", true, false)
                .file());
  }

  /** For each token the two that merge into it: found by merging its bytes by lesser ranks. */
  private static List<String> merges(Map<String, Integer> ids) {
    Map<String, Integer> known = new HashMap<>();
    List<String> merges = new ArrayList<>();
    ids.forEach(
        (name, id) -> {
          List<String> parts = new ArrayList<>(Arrays.asList(name.split("")));
          while (parts.size() > 2) {
            int best = -1;
            for (int i = 0; i + 1 < parts.size(); i++) {
              Integer rank = known.get(parts.get(i) + parts.get(i + 1));
              Integer bestRank = best < 0 ? null : known.get(parts.get(best) + parts.get(best + 1));
              best = rank != null && (bestRank == null || rank < bestRank) ? i : best;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
          }
          known.put(name, id);
          if (parts.size() == 2) {
            merges.add(String.join(" ", parts));
          }
        });
    return merges;
  }

  @Test
  void theFileHasAGapAndASpecialToken() {
    assertThat(tokenizer.vocabSize()).isEqualTo(VOCAB_SIZE + 2);
    assertThat(tokenizer.bytes(VOCAB_SIZE)).isEmpty();
    assertThat(tokenizer.stopIds()).containsExactly(VOCAB_SIZE + 1);
    assertThat(tokenizer.encode("<|endoftext|>", true)).containsExactly(VOCAB_SIZE + 1);
  }

  @Test
  void randomTextsHaveTheSameIds() {
    long seed = 20_240_124;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 1_000_000 : 10_000;
    for (int i = 0; i < count; i++) {
      assertSameIds(texts.next(), "seed " + seed + ", text " + i);
    }
  }

  @Test
  void codePointsHaveTheSameIds() {
    int step = TestTokenizers.LONG ? 1 : 47;
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint += step) {
      if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
        String character = Character.toString(codePoint);
        assertSameIds(
            "a " + character + character + "1234 \n" + character + "'S", "U+" + codePoint);
      }
    }
  }

  /** The oracle uses the JDK's Unicode: what that knows otherwise is replaced. */
  private static void assertSameIds(String anyText, String description) {
    String text = Unicode13.forThisJdk(anyText);
    int[] expected = ORACLE.encodeOrdinary(text).toArray();
    int[] ids = tokenizer.encode(text, false);
    if (!Arrays.equals(ids, expected)) {
      assertThat(ids).as(description + ": " + text).isEqualTo(expected);
    }
    assertThat(tokenizer.decode(ids)).as(description).isEqualTo(text);
  }
}
