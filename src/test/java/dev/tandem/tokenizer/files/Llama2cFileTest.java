package dev.tandem.tokenizer.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class Llama2cFileTest {
  private static final Tokenizer STORIES = TestTokenizers.stories();

  /** stories260K-goldens.json: what llama2.c's run.c printed, without the logits. */
  @Test
  void goldensOfRunC() throws IOException {
    JsonNode goldens =
        new ObjectMapper()
            .readTree(TestTokenizers.resource("/dev/tandem/tokenizer/stories260K-goldens.json"));
    assertThat(goldens).hasSize(5);
    for (JsonNode golden : goldens) {
      int[] consumed =
          IntStream.range(0, golden.get("ids_consumed").size())
              .map(i -> golden.get("ids_consumed").get(i).asInt())
              .toArray();
      int[] prompt = STORIES.encodePrompt(golden.get("prompt").asText(), false);
      assertThat(prompt).isEqualTo(Arrays.copyOf(consumed, prompt.length));
      if (consumed.length == 200) { // all steps: the last one's token was printed, not consumed
        assertThat(IntStream.range(0, 512))
            .anyMatch(id -> textOf(consumed, id).equals(golden.get("text").asText()));
      } else {
        assertThat(STORIES.decode(consumed)).isEqualTo(golden.get("text").asText());
      }
    }
  }

  private static String textOf(int[] ids, int lastId) {
    return STORIES.decode(IntStream.concat(Arrays.stream(ids), IntStream.of(lastId)).toArray());
  }

  @Test
  void promptsBeginWithBosAndTextsDoNot() {
    assertThat(STORIES.encodePrompt("", false)).containsExactly(1);
    assertThat(STORIES.encode("", false)).isEmpty();
    assertThat(STORIES.encode("One day,", false)).containsExactly(385, 328, 432);
    assertThat(STORIES.encodePrompt("One day,", false)).containsExactly(1, 385, 328, 432);
  }

  @Test
  void facts() {
    assertThat(STORIES.vocabSize()).isEqualTo(512);
    assertThat(STORIES.bosId()).hasValue(1);
    assertThat(STORIES.stopIds()).containsExactlyInAnyOrder(1, 2);
    assertThat(IntStream.range(0, 512).filter(STORIES::isSpecial)).containsExactly(0, 1, 2);
    assertThat(STORIES.bytes(1)).asString(StandardCharsets.UTF_8).isEqualTo("<s>");
    assertThat(STORIES.bytes(3 + 0xE2)).containsExactly(0xE2);
    assertThatThrownBy(() -> STORIES.bytes(512)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> STORIES.isSpecial(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> STORIES.decode(512)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void charactersThatAreNotInTheVocabularyFallBackToBytes() {
    assertThat(STORIES.encode("x\ud83d\ude00", false))
        .endsWith(3 + 0xF0, 3 + 0x9F, 3 + 0x98, 3 + 0x80);
    assertThat(STORIES.encode("\0", false)).endsWith(3);
  }

  @Test
  void unpairedSurrogatesBecomeReplacementCharacters() {
    assertThat(STORIES.encode("\ud800a\udc00", false))
        .isEqualTo(STORIES.encode("\ufffda\ufffd", false));
  }

  @Test
  void specialTokensAreParsedOnlyOnDemand() {
    String text = "a</s>b<s>c<unk>";
    assertThat(STORIES.encode(text, false)).doesNotContain(0, 1, 2);
    int[] ids = STORIES.encode(text, true);
    assertThat(Arrays.stream(ids).filter(STORIES::isSpecial)).containsExactly(2, 1, 0);
    assertThat(STORIES.decode(ids)).isEqualTo("a</s>bc<unk>"); // BOS gives no text
    assertThat(STORIES.encode("<0x41>", true)).doesNotContain(3 + 0x41);
  }

  @Test
  void oneSpaceIsDroppedAtTheStartOfATextOnly() {
    assertThat(STORIES.decode(385, 328, 432)).isEqualTo("One day,");
    assertThat(STORIES.decode(1, 385, 328, 432)).isEqualTo("One day,");
    assertThat(STORIES.decode(385, 385)).isEqualTo("One One");
    assertThat(STORIES.decode(385, 1, 385)).isEqualTo("OneOne");
    assertThat(STORIES.decode(STORIES.encode("  x ", false))).isEqualTo("  x ");
  }

  @Test
  void randomTextsRoundTripAndAgreeWithRunC() {
    long seed = 20_240_103;
    RandomText texts = new RandomText(new Random(seed));
    RunCReference reference = new RunCReference(TestTokenizers.storiesBin(), 512);
    int count = TestTokenizers.LONG ? 500_000 : 50_000;
    for (int i = 0; i < count; i++) {
      String text = texts.next();
      String description = "seed " + seed + ", text " + i + ": " + text;
      assertThat(STORIES.encode(text, false)).as(description).isEqualTo(reference.encode(text));
      assertThat(STORIES.decode(STORIES.encodePrompt(text, false))).as(description).isEqualTo(text);
      assertThat(STORIES.decode(STORIES.encode(text, true)))
          .as(description)
          .isEqualTo(text.replace("<s>", "")); // BOS gives no text
    }
  }

  /** Few different scores, so that ties decide; pieces of a, b and c, so that most pairs merge. */
  @Test
  void randomVocabulariesWithEqualScoresAgreeWithRunC() throws TokenizerFormatException {
    long seed = 20_240_104;
    Random random = new Random(seed);
    float[] scores = {-1, -2, -3, 0.0f, -0.0f, -1e10f, Float.NEGATIVE_INFINITY, 5};
    for (int round = 0; round < 200; round++) {
      Set<String> pieces = new LinkedHashSet<>(List.of(" ", "a", "b", "c"));
      for (int i = 0; i < 60; i++) {
        pieces.add(randomWord(random, " abc", 1 + random.nextInt(6)));
      }
      TokenizerBin file = new TokenizerBin();
      pieces.forEach(piece -> file.add(piece, scores[random.nextInt(scores.length)]));
      byte[] bytes = file.file(6);
      Tokenizer tokenizer = Tokenizers.llama2c(bytes, file.count());
      RunCReference reference = new RunCReference(bytes, file.count());
      for (int i = 0; i < 20; i++) {
        String text = randomWord(random, " abcd", 1 + random.nextInt(150));
        assertThat(tokenizer.encode(text, false))
            .as("seed %d, round %d, text %s", seed, round, text)
            .isEqualTo(reference.encode(text));
      }
    }
  }

  private static String randomWord(Random random, String letters, int length) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < length; i++) {
      word.append(letters.charAt(random.nextInt(letters.length())));
    }
    return word.toString();
  }
}
