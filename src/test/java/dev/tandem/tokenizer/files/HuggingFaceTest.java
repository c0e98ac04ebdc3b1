package dev.tandem.tokenizer.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.NaiveBpe;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * {@code tokenizer.json} with each supported pre-tokenizer. Expected ids are {@link NaiveBpe}'s:
 * {@code java.util.regex} with the literal patterns, then a merge loop over strings; what each
 * pre-tokenizer does to the text is written out in the test, from Hugging Face's documentation.
 */
@Tag("slow")
class HuggingFaceTest {
  private static final int TEXTS = TestTokenizers.LONG ? 200_000 : 1_500;
  private static final Map<String, Integer> GPT2_IDS = Gpt2Forms.ids();
  private static final NaiveBpe GPT2 = new NaiveBpe(GPT2_IDS, Gpt2Forms.MERGES, false);

  /** Cuts a text into the words that are then merged. */
  private interface Words extends Function<String, List<String>> {}

  @Test
  void byteLevel() throws TokenizerFormatException {
    agree(TokenizerJson.BYTE_LEVEL, text -> NaiveBpe.matches(NaiveBpe.GPT2, text));
  }

  @Test
  void byteLevelWithPrefixSpace() throws TokenizerFormatException {
    String preTokenizer = "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true}";
    agree(
        preTokenizer,
        text ->
            NaiveBpe.matches(
                NaiveBpe.GPT2, text.isEmpty() || text.startsWith(" ") ? text : " " + text));
  }

  @Test
  void splitPatterns() throws TokenizerFormatException {
    for (String regex : List.of(NaiveBpe.GPT2, NaiveBpe.LLAMA3, NaiveBpe.QWEN2)) {
      String preTokenizer =
          TokenizerJson.sequence(TokenizerJson.split(regex), TokenizerJson.BYTE_LEVEL_NO_REGEX);
      agree(preTokenizer, text -> NaiveBpe.matches(regex, text));
      agree(
          preTokenizer.replace("Isolated\",\"invert\":false", "Removed\",\"invert\":true"),
          text -> NaiveBpe.matches(regex, text));
    }
  }

  /** SmolLM: each digit for itself, then GPT-2's pattern within what is between them. */
  @Test
  void digitsThenByteLevel() throws TokenizerFormatException {
    for (boolean individual : new boolean[] {true, false}) {
      String digits = "{'type':'Digits','individual_digits':" + individual + "}";
      agree(
          TokenizerJson.sequence(digits, TokenizerJson.BYTE_LEVEL),
          text ->
              NaiveBpe.isolated(individual ? "\\p{N}" : "\\p{N}+", text).stream()
                  .flatMap(piece -> NaiveBpe.matches(NaiveBpe.GPT2, piece).stream())
                  .toList());
    }
  }

  private static void agree(String preTokenizer, Words words) throws TokenizerFormatException {
    Tokenizer tokenizer =
        Tokenizers.huggingFace(
            Gpt2Forms.tokenizerJson(false).with("pre_tokenizer", preTokenizer).file());
    long seed = 20_240_126;
    RandomText texts = new RandomText(new Random(seed));
    for (int i = 0; i < TEXTS / 4; i++) {
      String text = texts.next();
      List<String> symbols = words.apply(text).stream().map(NaiveBpe::byteSymbols).toList();
      assertThat(tokenizer.encode(text, false))
          .as("%s, seed %d, text %d: %s", preTokenizer, seed, i, text)
          .isEqualTo(ints(GPT2.encode(symbols, c -> List.of())));
    }
  }

  @Test
  void normalizationFormC() throws TokenizerFormatException {
    Tokenizer tokenizer =
        Tokenizers.huggingFace(
            Gpt2Forms.tokenizerJson(false).with("normalizer", "{'type':'NFC'}").file());
    for (String text : List.of("e\u0301t\u00e9", "\u1112\u1161\u11ab", "\u212b a\u0323\u0307 1")) {
      String normal = Normalizer.normalize(text, Normalizer.Form.NFC);
      assertThat(tokenizer.encode(text, false)).isEqualTo(Tokenizers.gpt2().encode(normal, false));
      assertThat(tokenizer.decode(tokenizer.encode(text, false))).isEqualTo(normal);
    }
  }

  /** Metaspace in all its settings, with Llama 2's vocabulary; a special token cuts the text. */
  @Test
  void metaspace() throws TokenizerFormatException {
    NaiveBpe llama = new NaiveBpe(LlamaForms.ids(), LlamaForms.merges(), false);
    for (String scheme : List.of("always", "first", "never")) {
      for (boolean split : new boolean[] {true, false}) {
        String metaspace =
            "{'type':'Metaspace','replacement':'\u2581','prepend_scheme':'%s','split':%s}"
                .formatted(scheme, split);
        Tokenizer tokenizer =
            Tokenizers.huggingFace(
                LlamaForms.tokenizerJson()
                    .with("normalizer", "null")
                    .with("pre_tokenizer", metaspace)
                    .file());
        Tokenizer again = Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer));
        long seed = 20_240_127;
        RandomText texts = new RandomText(new Random(seed));
        for (int i = 0; i < TEXTS / 10; i++) {
          String one = texts.next();
          String two = texts.next();
          String text = one + "</s>" + two;
          if (one.contains("s>") || two.contains("s>") || text.contains("<unk>")) {
            continue; // which would be special tokens, too
          }
          List<Integer> expected = new ArrayList<>(metaspace(llama, one, scheme, split, true));
          expected.add(2);
          expected.addAll(metaspace(llama, two, scheme, split, false));
          String description = metaspace + ", seed " + seed + ", text " + i + ": " + text;
          assertThat(tokenizer.encode(text, true)).as(description).isEqualTo(ints(expected));
          assertThat(again.encode(text, true)).as(description).isEqualTo(ints(expected));
        }
      }
    }
  }

  private static List<Integer> metaspace(
      NaiveBpe llama, String text, String scheme, boolean split, boolean first) {
    String escaped = text.replace(" ", "\u2581");
    boolean prefixed = scheme.equals("always") || (scheme.equals("first") && first);
    if (prefixed && !escaped.isEmpty() && !escaped.startsWith("\u2581")) {
      escaped = "\u2581" + escaped;
    }
    String words = split ? "(?=\u2581)" : "(?!)";
    List<String> pieces = Arrays.stream(escaped.split(words)).filter(p -> !p.isEmpty()).toList();
    return llama.encode(pieces, HuggingFaceTest::bytes);
  }

  private static List<String> bytes(String character) {
    List<String> names = new ArrayList<>();
    for (byte value : character.getBytes(StandardCharsets.UTF_8)) {
      names.add(String.format("<0x%02X>", value & 0xFF));
    }
    return names;
  }

  private static int[] ints(List<Integer> ids) {
    return ids.stream().mapToInt(id -> id).toArray();
  }

  /** A vocabulary of a few characters: what has no token is left out, or unknown. */
  @Test
  void unknownCharacters() throws TokenizerFormatException {
    Map<String, Integer> ids = new LinkedHashMap<>(Map.of("a", 0, "b", 1, "?", 2, "ab", 3));
    TokenizerJson file =
        new TokenizerJson()
            .vocab(ids)
            .merges(List.of("a b"), false)
            .with("decoder", "{'type':'Fuse'}");
    assertThat(Tokenizers.huggingFace(file.file()).encode("abxxb", false)).containsExactly(3, 1);
    file.withModel("unk_token", "'?'");
    assertThat(Tokenizers.huggingFace(file.file()).encode("abxxb", false))
        .containsExactly(3, 2, 2, 1);
    file.withModel("fuse_unk", "true");
    assertThat(Tokenizers.huggingFace(file.file()).encode("xxabxxb", false))
        .containsExactly(2, 3, 2, 1);
  }

  @Test
  void bytesWithoutATokenAreLeftOutOrUnknown() throws TokenizerFormatException {
    Map<String, Integer> ids = new LinkedHashMap<>(Map.of("a", 0, "\u0120", 1, "?", 2));
    TokenizerJson file =
        new TokenizerJson()
            .vocab(ids)
            .merges(List.of(), false)
            .with("pre_tokenizer", TokenizerJson.BYTE_LEVEL)
            .with("decoder", TokenizerJson.BYTE_LEVEL);
    assertThat(Tokenizers.huggingFace(file.file()).encode("a xx a", false))
        .containsExactly(0, 1, 1, 0);
    file.withModel("unk_token", "'?'");
    assertThat(Tokenizers.huggingFace(file.file()).encode("xxa", false)).containsExactly(2, 2, 0);
    file.withModel("fuse_unk", "true");
    assertThat(Tokenizers.huggingFace(file.file()).encode("xxa", false)).containsExactly(2, 0);
  }

  @Test
  void ignoreMergesTakesWholeWords() throws TokenizerFormatException {
    Map<String, Integer> ids = Gpt2Forms.ids();
    ids.put("qqzzqq", 50_257); // no merge leads to it
    TokenizerJson file = Gpt2Forms.tokenizerJson(false).vocab(ids);
    assertThat(Tokenizers.huggingFace(file.file()).encode("qqzzqq", false)).hasSizeGreaterThan(1);
    file.withModel("ignore_merges", "true");
    assertThat(Tokenizers.huggingFace(file.file()).encode("qqzzqq", false)).containsExactly(50_257);
  }

  @Test
  void addedTokens() throws TokenizerFormatException {
    Tokenizer tokenizer =
        Tokenizers.huggingFace(
            Gpt2Forms.tokenizerJson(false)
                .added(50_257, "<mask>", true, false, "lstrip")
                .added(50_258, "<sep>", true, true, "rstrip")
                .added(50_259, "foo bar", false, true)
                .file());
    assertThat(tokenizer.encode("a <mask> <sep>  a", true))
        .containsExactly(64, 50_257, 220, 50_258, 64);
    assertThat(tokenizer.encode("foo bar", false)).containsExactly(50_259);
    assertThat(tokenizer.encode("<mask>", false)).doesNotContain(50_257).isNotEmpty();
    assertThat(tokenizer.isSpecial(50_257)).isTrue();
    assertThat(tokenizer.isSpecial(50_259)).isFalse();
    assertThat(tokenizer.decode(50_259, 64)).isEqualTo("foo bara");
    Tokenizer again = Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer));
    for (String text : List.of("a <mask> <sep>  a", "foo bar <sep>\n foo bar", "x<mask>")) {
      for (boolean parse : new boolean[] {true, false}) {
        assertThat(again.encode(text, parse)).isEqualTo(tokenizer.encode(text, parse));
      }
    }
  }

  /** The normal form of such a token is what is searched for: with the prefix, as in old files. */
  @Test
  void addedTokensInNormalizedText() throws TokenizerFormatException {
    TokenizerJson json = LlamaForms.tokenizerJson();
    json.with("added_tokens", "[]").added(2, "</s>", true, true);
    Tokenizer tokenizer = Tokenizers.huggingFace(json.file());
    assertThat(tokenizer.encode("</s>", true)).containsExactly(2);
    assertThat(tokenizer.encode("a </s>", true)).containsExactly(263, 2);
    assertThat(tokenizer.encode("a</s>", true)).doesNotContain(2);
  }

  @Test
  void prompts() throws TokenizerFormatException {
    TokenizerJson json = LlamaForms.tokenizerJson();
    assertThat(Tokenizers.huggingFace(json.file()).encodePrompt("a", false))
        .containsExactly(1, 263);
    json.with(
        "post_processor",
        "{'type':'Sequence','processors':[{'type':'ByteLevel','add_prefix_space':true,"
            + "'trim_offsets':false,'use_regex':true},{'type':'TemplateProcessing','single':["
            + "{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':{'id':'</s>','type_id':0}}],"
            + "'special_tokens':{'</s>':{'id':'</s>','ids':[2],'tokens':['</s>']}}}]}");
    Tokenizer tokenizer = Tokenizers.huggingFace(json.file());
    assertThat(tokenizer.encodePrompt("a", false)).containsExactly(263, 2);
    assertThat(tokenizer.bosId()).hasValue(1);
    assertThat(tokenizer.stopIds()).containsExactly(2);
    assertThat(Tokenizers.huggingFace(json.file(), 5, 7).stopIds()).containsExactlyInAnyOrder(5, 7);
    assertThat(Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer)).encodePrompt("a", false))
        .containsExactly(263, 2);
  }

  @Test
  void whatIsNotSupportedIsNamed() {
    refuses("normalizer", "{'type':'Lowercase'}", "normalizer.type", "Lowercase");
    refuses("normalizer", "{'type':'NFKC'}", "NFKC");
    refuses("normalizer", "{'type':'Prepend','prepend':'_'}", "prepend", "\"_\"");
    refuses("normalizer", "{'type':'Prepend','prepend':'\u2581'}", "Prepend without Replace");
    refuses("normalizer", TokenizerJson.LLAMA_NORMALIZER, "Replace before ByteLevel");
    refuses(
        "normalizer",
        "{'type':'Sequence','normalizers':[{'type':'NFC'},{'type':'StripAccents'}]}",
        "normalizers[1]",
        "StripAccents");
    refuses("pre_tokenizer", "{'type':'Whitespace'}", "pre_tokenizer.type", "Whitespace");
    refuses("pre_tokenizer", TokenizerJson.split("\\p{Han}+|x"), "pattern", "\\p{Han}+|x");
    refuses(
        "pre_tokenizer",
        TokenizerJson.split(NaiveBpe.GPT2).replace("Isolated", "MergedWithNext"),
        "behavior",
        "MergedWithNext");
    refuses(
        "pre_tokenizer",
        TokenizerJson.sequence(TokenizerJson.BYTE_LEVEL, TokenizerJson.BYTE_LEVEL),
        "nothing after ByteLevel");
    refuses(
        "pre_tokenizer",
        "{'type':'ByteLevel','add_prefix_space':false,'colour':'blue'}",
        "pre_tokenizer.colour",
        "blue");
    refuses("pre_tokenizer", "null", "decoder", "got ByteLevel");
    refuses("decoder", "null", "decoder", "nothing");
    refuses("decoder", "{'type':'WordPiece'}", "decoder.type", "WordPiece");
    refuses("decoder", "{'type':'Strip','content':' ','start':1,'stop':0}", "after Fuse");
    refuses("post_processor", "{'type':'BertProcessing'}", "post_processor.type", "BertProcessing");
    refuses("post_processor", TokenizerJson.LLAMA_TEMPLATE.replace("'A'", "'B'"), "\"A\"", "\"B\"");
    refuses("post_processor", TokenizerJson.LLAMA_TEMPLATE.replace("[1]", "[301]"), "301");
    refuses("post_processor", TokenizerJson.LLAMA_TEMPLATE.replace("{'<s>':", "{'<t>':"), "<s>");
    refuses("novelty", "{'type':'Any'}", "novelty", "not supported");
    refusesModel("type", "'Unigram'", "model.type", "BPE", "Unigram");
    refusesModel("dropout", "0.1", "dropout", "0.1");
    refusesModel("continuing_subword_prefix", "'##'", "continuing_subword_prefix", "##");
    refusesModel("end_of_word_suffix", "'</w>'", "end_of_word_suffix", "</w>");
    refusesModel("byte_fallback", "true", "byte_fallback", "true");
    refusesModel("unk_token", "'zqxj'", "unk_token", "zqxj");
    refusesModel("vocab", "{}", "vocab");
    refusesModel("merges", "['a b c']", "merges[0]", "a b c");
    refusesModel("merges", "[['a','b','c']]", "merges[0]", "two strings");
    refusesModel("merges", "['zq xj']", "merge 0", "zq");
    refusesModel("max_input_chars_per_word", "100", "max_input_chars_per_word");
    TokenizerJson word = Gpt2Forms.smallTokenizerJson();
    word.added(301, "<w>", true, false, "single_word");
    refuses(word, "single_word", "<w>");
    refuses(Gpt2Forms.smallTokenizerJson().added(7, "<w>", true, false), "<w>", "got 7");
    refuses(Gpt2Forms.smallTokenizerJson().added(1_000_000, "<w>", true, false), "1000000");
    refuses(Gpt2Forms.smallTokenizerJson().added(5, "\u0120t", true, false), "one id", "and 5");
    refuses(LlamaForms.tokenizerJson().withModel("byte_fallback", "false"), "byte_fallback");
    refuses(LlamaForms.tokenizerJson().withModel("ignore_merges", "true"), "ignore_merges");
    refuses(LlamaForms.tokenizerJson().with("decoder", "{'type':'Fuse'}"), "U+2581");
  }

  private static void refuses(String section, String json, String... parts) {
    refuses(Gpt2Forms.smallTokenizerJson().with(section, json), parts);
  }

  private static void refusesModel(String member, String json, String... parts) {
    refuses(Gpt2Forms.smallTokenizerJson().withModel(member, json), parts);
  }

  private static void refuses(TokenizerJson file, String... parts) {
    assertThatThrownBy(() -> Tokenizers.huggingFace(file.file()))
        .isExactlyInstanceOf(TokenizerFormatException.class)
        .hasMessageStartingWith("tokenizer.json")
        .hasMessageContainingAll(parts);
  }
}
