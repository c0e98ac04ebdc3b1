package dev.tandem.tokenizer.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ByteLevelFilesTest {
  private static final Tokenizer GPT2 = Tokenizers.gpt2();
  private static final Tokenizer SHAKESPEARE = TestTokenizers.shakespeare();

  /** As editors leave them: with a byte order mark, blank lines, or the line ends of Windows. */
  @ParameterizedTest
  @ValueSource(strings = {"%s", "\uFEFF%s", "%s\n", "%s\n\n \n", "\uFEFF%s\n\n"})
  void mergesMayHaveAByteOrderMarkAndBlankLines(String form) throws TokenizerFormatException {
    String merges = new String(TestTokenizers.shakespeareMerges(), StandardCharsets.UTF_8);
    Tokenizer plain = TestTokenizers.shakespeare();
    for (String text : List.of(merges, merges.replace("\n", "\r\n"))) {
      byte[] file = form.formatted(text).getBytes(StandardCharsets.UTF_8);
      Tokenizer read = Tokenizers.byteLevelBpe(TestTokenizers.shakespeareVocab(), file);
      assertThat(read.encode("To be, or not to be", false))
          .isEqualTo(plain.encode("To be, or not to be", false));
      assertThat(Tokenizers.vocabularyOf(read)).isEqualTo(Tokenizers.vocabularyOf(plain));
    }
  }

  @Test
  void goldenPrompts() throws IOException {
    JsonNode goldens =
        new ObjectMapper()
            .readTree(TestTokenizers.resource("/goldens/gpt2-shakespeare/greedy.json"));
    assertThat(goldens).hasSize(4);
    for (JsonNode golden : goldens) {
      JsonNode expected = golden.get("prompt_ids");
      assertThat(SHAKESPEARE.encodePrompt(golden.get("prompt").asText(), false))
          .isEqualTo(
              IntStream.range(0, expected.size()).map(i -> expected.get(i).asInt()).toArray());
    }
  }

  @Test
  void facts() {
    assertThat(SHAKESPEARE.vocabSize()).isEqualTo(1024);
    assertThat(SHAKESPEARE.bosId()).hasValue(1023);
    assertThat(SHAKESPEARE.stopIds()).containsExactly(1023);
    assertThat(GPT2.vocabSize()).isEqualTo(50_257);
    assertThat(GPT2.bosId()).hasValue(50_256);
    assertThat(GPT2.stopIds()).containsExactly(50_256);
    assertThat(IntStream.range(0, 50_257).filter(GPT2::isSpecial)).containsExactly(50_256);
    assertThat(GPT2.bytes(50_256)).asString(StandardCharsets.UTF_8).isEqualTo("<|endoftext|>");
    assertThat(GPT2.bytes(220)).containsExactly(' ');
    assertThat(GPT2.encode("Hello world", false)).containsExactly(15_496, 995);
    assertThat(GPT2.encodePrompt("", false)).isEmpty();
    assertThat(Tokenizers.gpt2()).isSameAs(GPT2);
    assertThatThrownBy(() -> GPT2.bytes(50_257)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> GPT2.bytes(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void givenStopIdsAreSpecial() throws IOException {
    Tokenizer tokenizer =
        Tokenizers.byteLevelBpe(
            new ByteArrayInputStream(TestTokenizers.shakespeareVocab()),
            new ByteArrayInputStream(TestTokenizers.shakespeareMerges()),
            858,
            25);
    assertThat(tokenizer.stopIds()).containsExactlyInAnyOrder(858, 25);
    assertThat(IntStream.range(0, 1024).filter(tokenizer::isSpecial))
        .containsExactly(25, 858, 1023);
    Tokenizer ofLargerModel = // which has a row for it
        Tokenizers.byteLevelBpe(
            TestTokenizers.shakespeareVocab(), TestTokenizers.shakespeareMerges(), 1024);
    assertThat(ofLargerModel.stopIds()).isEmpty();
    assertThat(Tokenizers.fitted(ofLargerModel, 1025).stopIds()).containsExactly(1024);
    assertThatThrownBy(
            () ->
                Tokenizers.byteLevelBpe(
                    TestTokenizers.shakespeareVocab(), TestTokenizers.shakespeareMerges(), -1))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("-1");
  }

  @Test
  void mergesAloneGiveTheSameVocabulary() throws TokenizerFormatException {
    Tokenizer fromMerges = Tokenizers.byteLevelBpeFromMerges(TestTokenizers.shakespeareMerges());
    assertThat(fromMerges.vocabSize()).isEqualTo(1024);
    for (int id = 0; id < 1024; id++) {
      assertThat(fromMerges.bytes(id)).isEqualTo(SHAKESPEARE.bytes(id));
    }
    String excerpt =
        new String(
            TestTokenizers.resource("/dev/tandem/tokenizer/excerpt.txt"), StandardCharsets.UTF_8);
    assertThat(fromMerges.encode(excerpt, false)).isEqualTo(SHAKESPEARE.encode(excerpt, false));
  }

  @Test
  void windowsLineEndsAndNoHeaderAreAccepted() throws TokenizerFormatException {
    String merges = new String(TestTokenizers.shakespeareMerges(), StandardCharsets.UTF_8);
    String other = merges.substring(merges.indexOf('\n') + 1).replace("\n", "\r\n");
    Tokenizer tokenizer =
        Tokenizers.byteLevelBpe(
            TestTokenizers.shakespeareVocab(), other.getBytes(StandardCharsets.UTF_8));
    assertThat(tokenizer.encode("To be, or not", false))
        .isEqualTo(SHAKESPEARE.encode("To be, or not", false));
  }

  @Test
  void unpairedSurrogatesBecomeReplacementCharacters() {
    assertThat(GPT2.encode("\ud800a\udc00\ud83d", true))
        .isEqualTo(GPT2.encode("\ufffda\ufffd\ufffd", true));
  }

  @Test
  void randomTextsRoundTrip() {
    long seed = 20_240_105;
    RandomText texts = new RandomText(new Random(seed));
    int count = TestTokenizers.LONG ? 500_000 : 50_000;
    for (int i = 0; i < count; i++) {
      String text = texts.next();
      for (Tokenizer tokenizer : List.of(GPT2, SHAKESPEARE)) {
        for (boolean parseSpecial : new boolean[] {false, true}) {
          assertThat(tokenizer.decode(tokenizer.encode(text, parseSpecial)))
              .as("seed %d, text %d", seed, i)
              .isEqualTo(text);
        }
      }
    }
  }

  /** Threads that share the word cache get what one thread without it gets. */
  @Test
  void manyThreadsAgree() throws Exception {
    long seed = 20_240_106;
    RandomText texts = new RandomText(new Random(seed));
    List<String> all = IntStream.range(0, 20_000).mapToObj(i -> texts.next()).toList();
    List<int[]> expected = encodeAll(TestTokenizers.shakespeare(), all);
    Tokenizer shared = TestTokenizers.shakespeare();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<List<int[]>>> results = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        results.add(threads.submit(() -> encodeAll(shared, all)));
      }
      for (Future<List<int[]>> result : results) {
        assertThat(result.get().toArray(new int[0][]))
            .as("seed %d", seed)
            .isDeepEqualTo(expected.toArray(new int[0][]));
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static List<int[]> encodeAll(Tokenizer tokenizer, List<String> texts) {
    return texts.stream().map(text -> tokenizer.encode(text, false)).toList();
  }
}
