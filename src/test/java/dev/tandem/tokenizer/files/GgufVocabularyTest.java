package dev.tandem.tokenizer.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GGUF's metadata; {@link Gpt2Forms} and {@link LlamaForms} read real vocabularies from them. */
class GgufVocabularyTest {
  /** Metadata that a test changes key by key. */
  private static final class Values {
    String model = "gpt2";
    String pre = "gpt-2";
    List<String> tokens = new ArrayList<>(Gpt2Forms.NAMES.subList(0, 300));
    List<Float> scores = List.of();
    List<Integer> types = List.of();
    List<String> merges = Gpt2Forms.MERGES.subList(0, 44);
    OptionalInt bosId = OptionalInt.of(300);
    OptionalInt eosId = OptionalInt.of(300);
    OptionalInt eotId = OptionalInt.empty();
    Optional<Boolean> addBos = Optional.empty();
    Optional<Boolean> addEos = Optional.empty();
    Map<String, String> own = Map.of();

    Values() {
      tokens.add("<|end|>");
    }

    static Values llama() {
      Values values = new Values();
      values.model = "llama";
      values.pre = "default";
      values.tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a"));
      values.scores = List.of(0f, 0f, 0f, -1f, -2f, -3f);
      values.types = List.of(2, 3, 3, 1, 1, 1);
      values.merges = List.of();
      values.bosId = OptionalInt.empty();
      values.eosId = OptionalInt.empty();
      return values;
    }

    GgufVocabulary vocabulary() {
      return new GgufVocabulary(
          model,
          pre,
          tokens,
          scores,
          types,
          merges,
          bosId,
          eosId,
          eotId,
          OptionalInt.empty(),
          addBos,
          addEos,
          Optional.empty(),
          own);
    }

    Tokenizer read() throws TokenizerFormatException {
      return Tokenizers.gguf(vocabulary());
    }
  }

  @Test
  void theSplitDependsOnPre() throws TokenizerFormatException {
    Map<String, List<String>> expected = new LinkedHashMap<>();
    expected.put("gpt-2", List.of("a", " 1234"));
    expected.put("default", List.of("a", " 1234"));
    expected.put("", List.of("a", " 1234"));
    expected.put("smollm", List.of("a", " ", "1", "2", "3", "4"));
    expected.put("llama-bpe", List.of("a", " ", "123", "4"));
    expected.put("qwen2", List.of("a", " ", "1", "2", "3", "4"));
    for (Map.Entry<String, List<String>> pre : expected.entrySet()) {
      Values values = new Values();
      values.pre = pre.getKey();
      // every number is one merge away from its digits, so that the ids show the words
      values.tokens = new ArrayList<>(Gpt2Forms.NAMES.subList(0, 256));
      values.tokens.addAll(List.of("12", "34", "123", "1234", "\u01201234", "<|end|>"));
      values.merges = List.of("1 2", "3 4", "12 3", "12 34", "\u0120 1234");
      values.bosId = OptionalInt.empty();
      values.eosId = OptionalInt.of(261);
      Tokenizer tokenizer = values.read();
      List<String> got = new ArrayList<>();
      for (int id : tokenizer.encode("a 1234", false)) {
        got.add(new String(tokenizer.bytes(id), StandardCharsets.UTF_8));
      }
      assertThat(got).as(pre.getKey()).isEqualTo(pre.getValue());
      assertThat(Tokenizers.vocabularyOf(tokenizer).pre())
          .isEqualTo(List.of("", "default").contains(pre.getKey()) ? "gpt-2" : pre.getKey());
    }
  }

  @Test
  void absentKeysMeanWhatTheyMeanToLlamaCpp() throws TokenizerFormatException {
    Tokenizer llama = Values.llama().read();
    assertThat(llama.encodePrompt("a", false)).containsExactly(1, 5);
    assertThat(llama.stopIds()).containsExactly(2);
    assertThat(llama.encode("ax", false)).containsExactly(5, 0);
    Values values = new Values();
    assertThat(values.read().encodePrompt("a", false)).hasSize(1);
    assertThat(values.read().isSpecial(300)).isTrue();
    values.pre = "llama-bpe";
    assertThat(values.read().encodePrompt("a", false)).startsWith(300).hasSize(2);
    values.addBos = Optional.of(false);
    values.addEos = Optional.of(true);
    values.eotId = OptionalInt.of(7);
    Tokenizer tokenizer = Tokenizers.gguf(values.vocabulary(), 9);
    assertThat(tokenizer.encodePrompt("a", false)).endsWith(300).hasSize(2);
    assertThat(tokenizer.stopIds()).containsExactlyInAnyOrder(7, 9, 300);
    Tokenizer again = Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer));
    assertThat(again.stopIds()).isEqualTo(tokenizer.stopIds());
    assertThat(again.encodePrompt("a", false)).isEqualTo(tokenizer.encodePrompt("a", false));
  }

  /** The embedded models' tokenizers, padded or not, come back the same. */
  @Test
  void whatIsWrittenReadsBackTheSame() throws TokenizerFormatException {
    long seed = 20_240_128;
    Random random = new Random(seed);
    for (Tokenizer tokenizer :
        List.of(
            TestTokenizers.stories(),
            TestTokenizers.shakespeare(),
            Tokenizers.fitted(TestTokenizers.shakespeare(), 1_030))) {
      Tokenizer again = Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer));
      assertThat(again.vocabSize()).isEqualTo(tokenizer.vocabSize());
      assertThat(again.stopIds()).isEqualTo(tokenizer.stopIds());
      assertThat(again.bosId()).isEqualTo(tokenizer.bosId());
      for (int id = 0; id < tokenizer.vocabSize(); id++) {
        assertThat(again.bytes(id)).isEqualTo(tokenizer.bytes(id));
        assertThat(again.isSpecial(id)).isEqualTo(tokenizer.isSpecial(id));
      }
      RandomText texts = new RandomText(random);
      for (int i = 0; i < 5_000; i++) {
        String text = texts.next();
        boolean parse = i % 2 == 0;
        int[] ids = tokenizer.encodePrompt(text, parse);
        assertThat(again.encodePrompt(text, parse)).as("seed %d: %s", seed, text).isEqualTo(ids);
        assertThat(again.decode(ids)).isEqualTo(tokenizer.decode(ids));
      }
    }
  }

  @Test
  void paddingStandsForNothing() {
    Tokenizer padded = Tokenizers.fitted(TestTokenizers.shakespeare(), 1_030);
    assertThat(padded.vocabSize()).isEqualTo(1_030);
    assertThat(padded.bytes(1_029)).isEmpty();
    assertThat(padded.decode(1_025, 0, 1_029)).isEqualTo(TestTokenizers.shakespeare().decode(0));
    assertThat(Tokenizers.fitted(padded, 1_029).vocabSize()).isEqualTo(1_029);
    assertThat(Tokenizers.fitted(padded, 1_000).vocabSize()).isEqualTo(1_024);
    assertThat(Tokenizers.fitted(padded, 1_030)).isSameAs(padded);
  }

  /** A vocabulary with these merges, which says nothing of how it splits. */
  private static Values withoutPre(String pre, List<String> merges, String... names) {
    Values values = new Values();
    values.pre = pre;
    values.tokens = new ArrayList<>(Gpt2Forms.NAMES.subList(0, 256));
    merges.forEach(merge -> values.tokens.add(merge.replace(" ", "")));
    values.merges = merges;
    values.tokens.addAll(List.of(names));
    values.types = new ArrayList<>(Collections.nCopies(256 + merges.size(), 1));
    values.types.addAll(Collections.nCopies(names.length, 3));
    values.bosId = OptionalInt.empty();
    values.eosId = OptionalInt.empty();
    return values;
  }

  /** A trial's: one token of six digits, which Llama 3's words of three never give. */
  private static final List<String> TRIAL =
      List.of(
          "1 2",
          "12 3",
          "4 5",
          "45 6",
          "123 456",
          "7 8",
          "78 9",
          "\u0120 h",
          "h i",
          "\u0120h i",
          "\u010a \u010a",
          "I '",
          "' M",
          "\u0120 \u0120");

  @ParameterizedTest
  @ValueSource(strings = {"", "default"})
  void withoutPreTheTokensShowTheSplitAndThatIsSaid(String pre) throws TokenizerFormatException {
    Tokenizer named =
        withoutPre(pre, TRIAL, "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>").read();
    assertThat(named.encode("1234567  hi", false)).containsExactly(257, 259, 22, 220, 265);
    assertThat(named.notes())
        .singleElement()
        .asString()
        .contains("Llama 3's", "tokenizer.ggml.pre")
        .contains(pre.isEmpty() ? "is missing" : "says only \"default\"");
    Tokenizer merged = withoutPre(pre, TRIAL).read();
    assertThat(merged.encode("1234567  hi", false)).containsExactly(257, 259, 22, 220, 265);
    assertThat(merged.kind()).contains("llama3");
    Tokenizer qwen = withoutPre(pre, List.of("( x", "' M")).read();
    assertThat(qwen.kind()).contains("qwen2");
    assertThat(qwen.notes()).singleElement().asString().contains("Qwen's");
    for (List<String> merges :
        List.of(
            List.<String>of(),
            List.of("1 2", "\u0120 12", "12 3"),
            List.of("' s", "' ll", "\u0120 a"),
            List.of("\u00c3 \u00a9", "\u00a9 a"))) {
      Tokenizer gpt2 = withoutPre(pre, withParts(merges)).read();
      assertThat(gpt2.kind()).as("%s", merges).contains("gpt2");
      assertThat(gpt2.notes()).singleElement().asString().contains("GPT-2's");
    }
    Tokenizer written = Tokenizers.gguf(Tokenizers.vocabularyOf(named));
    assertThat(written.notes()).isEmpty();
    assertThat(written.encode("1234567  hi", false)).containsExactly(257, 259, 22, 220, 265);
  }

  /** "' ll" needs the token ll first. */
  private static List<String> withParts(List<String> merges) {
    return merges.contains("' ll") ? List.of("' s", "l l", "' ll", "\u0120 a") : merges;
  }

  @Test
  void whatPreSaysIsNoAssumption() throws TokenizerFormatException {
    assertThat(withoutPre("gpt-2", TRIAL).read().notes()).isEmpty();
    assertThat(Values.llama().read().notes()).isEmpty();
  }

  /** As for a tokenizer.json; GGUF's keys name one such token, or two. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|endoftext|>",
        "<|end_of_text|>",
        "</s>",
        "<eos>",
        "<|eom_id|>",
        "<end_of_turn>",
        "<|end_of_turn|>"
      })
  void stopTokensAreFoundByName(String name) throws TokenizerFormatException {
    for (int type : new int[] {3, 4}) { // control, and user-defined as old converters wrote them
      Values values = withoutPre("llama-bpe", TRIAL, "<|start|>", name, "<|x|>");
      values.types.set(271, type);
      values.eosId = OptionalInt.of(272);
      assertThat(values.read().stopIds()).containsExactlyInAnyOrder(271, 272);
    }
    Values plain = withoutPre("llama-bpe", TRIAL, "<|start|>", name, "<|x|>");
    plain.types.set(271, 1);
    assertThat(plain.read().stopIds()).isEmpty();
    Values llama = Values.llama();
    llama.tokens.set(5, name);
    llama.types = List.of(2, 3, 1, 1, 1, 3);
    assertThat(llama.read().stopIds()).contains(5);
  }

  @Test
  void whatGgufCannotSayIsNotWritten() throws TokenizerFormatException {
    Tokenizer prefixed =
        Tokenizers.huggingFace(
            Gpt2Forms.smallTokenizerJson().with("pre_tokenizer", "{'type':'ByteLevel'}").file());
    assertThatThrownBy(() -> Tokenizers.vocabularyOf(prefixed))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("split pattern");
  }

  @Test
  void whatIsNotSupportedIsNamed() {
    refuses(values -> values.model = "bert", "tokenizer.ggml.model", "\"bert\"");
    refuses(values -> values.pre = "deepseek-llm", "tokenizer.ggml.pre", "deepseek-llm", "smollm");
    refuses(values -> values.tokens = List.of(), "tokens", "at least one");
    refuses(values -> values.types = Collections.nCopies(3, 1), "token_type", "301", "got 3");
    refuses(values -> values.types = Collections.nCopies(301, 0), "token_type 0", "1..6", "got 0");
    refuses(values -> values.bosId = OptionalInt.of(301), "bos_token_id", "0..300", "301");
    refuses(values -> values.eosId = OptionalInt.of(-1), "eos_token_id", "-1");
    refuses(values -> values.merges = List.of("a b c"), "merges 0", "a b c");
    refuses(values -> values.merges = List.of("a qq"), "merge 0", "qq");
    refuses(values -> values.own = Map.of("novelty", "x"), "tandem.tokenizer.", "novelty");
    refuses(values -> values.own = Map.of("stop_ids", "1,301"), "stop_ids", "301");
    refuses(values -> values.own = Map.of("nfc", "maybe"), "nfc", "maybe");
    Values llama = Values.llama();
    llama.scores = List.of(Float.NaN, 0f, 0f, 0f, 0f, 0f);
    refuses(llama, "scores", "NaN");
    llama.scores = List.of(0f, 0f);
    refuses(llama, "scores", "got 2");
    Values oneByte = Values.llama();
    oneByte.tokens.set(4, "<0x00>");
    oneByte.types = List.of(2, 3, 3, 1, 6, 1);
    refuses(oneByte, "<0x01>");
  }

  /** Metadata with one thing that is another give a tokenizer that works, or their exception. */
  @Test
  void damagedMetadata() {
    long seed = 20_240_130;
    Random random = new Random(seed);
    int count = TestTokenizers.LONG ? 20_000 : 2_000;
    int read = 0;
    for (int i = 0; i < count; i++) {
      Values values = i % 2 == 0 ? new Values() : Values.llama();
      damage(values, random);
      try {
        Tokenizer tokenizer = values.read();
        tokenizer.decode(tokenizer.encodePrompt("the a<s>\u00e9 12", true));
        read++;
      } catch (TokenizerFormatException e) {
        assertThat(e).as("seed %d, %d", seed, i).hasMessageContaining("expected");
      }
    }
    assertThat(read).isBetween(1, count - 1);
  }

  private static void damage(Values values, Random random) {
    int number = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(320) - 4;
    int at = random.nextInt(values.tokens.size());
    String[] settings = {"spaces", "metaspace", "prompt_prefix", "unknown_id", "byte_fallback"};
    switch (random.nextInt(10)) {
      case 0 -> values.bosId = OptionalInt.of(number);
      case 1 -> values.eosId = OptionalInt.of(number);
      case 2 -> values.tokens.set(at, values.tokens.get(random.nextInt(values.tokens.size())));
      case 3 -> values.tokens.set(at, "");
      case 4 -> values.tokens.remove(at);
      case 5 -> values.types = random.ints(values.tokens.size(), 0, 8).boxed().toList();
      case 6 -> values.types = random.ints(values.tokens.size(), 1, 6).boxed().toList();
      case 7 -> values.scores = Collections.nCopies(random.nextInt(8), -1f);
      case 8 -> values.merges = List.of("a b", "t h", values.tokens.get(at) + " a");
      default -> {
        String[] words = {"literal", "always,split", "true", "" + number, "1,2", ""};
        String setting = settings[random.nextInt(settings.length)];
        values.own = Map.of(setting, words[random.nextInt(words.length)]);
      }
    }
  }

  private static void refuses(Consumer<Values> change, String... parts) {
    Values values = new Values();
    change.accept(values);
    refuses(values, parts);
  }

  private static void refuses(Values values, String... parts) {
    assertThatThrownBy(values::read)
        .isExactlyInstanceOf(TokenizerFormatException.class)
        .hasMessageContainingAll(parts);
  }
}
