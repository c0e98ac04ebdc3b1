package dev.tandem.tokenizer.bpe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Gpt2Forms;
import dev.tandem.tokenizer.files.LlamaForms;
import dev.tandem.tokenizer.files.TestTokenizers;
import dev.tandem.tokenizer.files.TokenizerJson;
import dev.tandem.tokenizer.files.Tokenizers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A megabyte of what quadratic algorithms choke on. In a short run each tokenizer gets every fifth
 * text, and each text every fifth tokenizer.
 */
@Tag("slow")
class AdversarialTextTest {
  private static final int LENGTH = 1 << 20;
  private static final int STEP = TestTokenizers.LONG ? 1 : 5;

  /** The slowest takes well under a second; an O(n^2) merge loop takes minutes. */
  private static final Duration HANG = Duration.ofSeconds(20);

  @Test
  void encodesAMegabyteInBoundedTime() throws TokenizerFormatException {
    Map<String, String> texts = texts();
    int turn = 0;
    for (Tokenizer tokenizer :
        List.of(
            Tokenizers.gpt2(),
            TestTokenizers.shakespeare(),
            TestTokenizers.stories(),
            Tokenizers.sentencePiece(LlamaForms.model()),
            Tokenizers.huggingFace(LlamaForms.tokenizerJson().file()),
            gpt2(TokenizerJson.split(NaiveBpe.LLAMA3)),
            gpt2(TokenizerJson.split(NaiveBpe.QWEN2)),
            gpt2("{'type':'Digits','individual_digits':true}"))) {
      int i = turn++;
      for (Map.Entry<String, String> entry : texts.entrySet()) {
        if (i++ % STEP == 0) {
          String text = entry.getValue();
          int[] ids =
              Assertions.assertTimeoutPreemptively(
                  HANG, () -> tokenizer.encode(text, true), entry.getKey());
          assertThat(tokenizer.decode(ids)).as(entry.getKey()).isEqualTo(text);
        }
      }
    }
  }

  /** GPT-2's vocabulary with another pre-tokenizer before GPT-2's own. */
  private static Tokenizer gpt2(String preTokenizer) throws TokenizerFormatException {
    String both = TokenizerJson.sequence(preTokenizer, TokenizerJson.BYTE_LEVEL);
    return Tokenizers.huggingFace(
        Gpt2Forms.tokenizerJson(false)
            .with("pre_tokenizer", both)
            .with("normalizer", "{'type':'NFC'}")
            .file());
  }

  private static Map<String, String> texts() {
    Random random = new Random(20_240_110);
    Map<String, String> texts = new TreeMap<>();
    texts.put("letter a", "a".repeat(LENGTH));
    texts.put("spaces", " ".repeat(LENGTH));
    texts.put("digits", "7".repeat(LENGTH));
    texts.put("digits and letters", "7a".repeat(LENGTH / 2));
    texts.put("CJK", "\u4e2d".repeat(LENGTH / 3));
    texts.put("spaces and line ends", " \n".repeat(LENGTH / 2));
    texts.put("line ends", "\n".repeat(LENGTH));
    texts.put("combining marks", "\u0301".repeat(LENGTH / 2));
    texts.put("emojis", "\ud83d\ude00".repeat(LENGTH / 4));
    texts.put("apostrophes", "'".repeat(LENGTH));
    texts.put("begun special tokens", "<|endoftext|".repeat(LENGTH / 12) + "<s".repeat(LENGTH / 8));
    StringBuilder letters = new StringBuilder();
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < LENGTH; i++) {
      letters.append((char) ('a' + random.nextInt(26)));
      words.append("etaoin shrdlu\n".charAt(random.nextInt(14)));
    }
    texts.put("random letters", letters.toString());
    texts.put("random words", words.toString());
    return texts;
  }
}
