package dev.tandem.formats.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.formats.TokenizerFiles;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TestModels;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.TokenizerJson;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What {@code tokenizer_config.json}, {@code added_tokens.json} and {@code special_tokens_map.json}
 * say, beside each form of a Hugging Face tokenizer.
 */
class TokenizerSettingsTest {
  private static final Path SHAKESPEARE = TestModels.WEIGHTS.resolve("gpt2-shakespeare");

  private final Path directory;

  TokenizerSettingsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** The forms of the vocabulary itself. */
  enum Form {
    VOCAB_AND_MERGES,
    TOKENIZER_JSON,
    TOKENIZER_MODEL
  }

  /** Writes a vocabulary, and returns how many tokens it has. */
  private int write(Form form) throws IOException {
    switch (form) {
      case VOCAB_AND_MERGES -> {
        for (String file : List.of("vocab.json", "merges.txt")) {
          Files.copy(SHAKESPEARE.resolve(file), directory.resolve(file));
        }
        return 1024;
      }
      case TOKENIZER_JSON -> {
        Map<String, Integer> vocab = new LinkedHashMap<>();
        new ObjectMapper()
            .readTree(SHAKESPEARE.resolve("vocab.json").toFile())
            .properties()
            .forEach(entry -> vocab.put(entry.getKey(), entry.getValue().asInt()));
        List<String> merges = Files.readAllLines(SHAKESPEARE.resolve("merges.txt"));
        Files.write(
            directory.resolve("tokenizer.json"),
            new TokenizerJson()
                .with("pre_tokenizer", TokenizerJson.BYTE_LEVEL)
                .with("decoder", "{'type':'ByteLevel'}")
                .vocab(vocab)
                .merges(merges.subList(1, merges.size()), false)
                .added(1023, "<|endoftext|>", true, false)
                .file());
        return 1024;
      }
      case TOKENIZER_MODEL -> {
        List<String> pieces = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "\u2581"));
        for (char letter = 'a'; letter <= 'z'; letter++) {
          pieces.add(String.valueOf(letter));
        }
        ByteArrayOutputStream model = new ByteArrayOutputStream();
        for (int id = 0; id < pieces.size(); id++) {
          byte[] name = pieces.get(id).getBytes(StandardCharsets.UTF_8);
          model.writeBytes(new byte[] {0x0A, (byte) (name.length + 4), 0x0A, (byte) name.length});
          model.writeBytes(name);
          model.writeBytes(new byte[] {0x18, (byte) (id == 0 ? 2 : id < 3 ? 3 : 1)});
        }
        model.writeBytes(new byte[] {0x12, 2, 0x18, 2}); // trainer_spec: BPE
        Files.write(directory.resolve("tokenizer.model"), model.toByteArray());
        return pieces.size();
      }
    }
    throw new IllegalStateException("" + form);
  }

  private void json(String file, String content) throws IOException {
    Files.writeString(directory.resolve(file), content.replace('\'', '"'));
  }

  private Tokenizer open() throws IOException {
    return TokenizerFiles.open(directory.toString());
  }

  static Stream<Arguments> formsAndSources() {
    return Arrays.stream(Form.values())
        .flatMap(
            form ->
                Stream.of("added_tokens.json", "tokenizer_config.json", "both")
                    .map(source -> Arguments.of(form, source)));
  }

  private void writeAdded(int n, String source) throws IOException {
    if (!source.equals("tokenizer_config.json")) {
      json(
          "added_tokens.json",
          "{'<|user|>': %d, '<|end|>': %d, 'qx': %d}".formatted(n, n + 1, n + 2));
      json(
          "special_tokens_map.json",
          "{'eos_token': {'content': '<|end|>'}, 'additional_special_tokens': ['<|user|>']}");
    }
    if (!source.equals("added_tokens.json")) {
      String token =
          "'%d': {'content': '%s', 'lstrip': false, 'normalized': %s, 'rstrip': false,"
              + " 'single_word': false, 'special': %s}";
      json(
          "tokenizer_config.json",
          "{'chat_template': 'x', 'eos_token': '<|end|>', 'pad_token': null,"
              + " 'added_tokens_decoder': {"
              + String.join(
                  ",",
                  token.formatted(n, "<|user|>", false, true),
                  token.formatted(n + 1, "<|end|>", false, true),
                  token.formatted(n + 2, "qx", true, false))
              + "}}");
    }
  }

  /** Tokens that are in no vocabulary: found, written, special or not, and the end of a text. */
  @ParameterizedTest
  @MethodSource("formsAndSources")
  void addedTokensAreTokens(Form form, String source) throws IOException {
    int n = write(form);
    writeAdded(n, source);
    Tokenizer tokenizer = open();
    assertThat(tokenizer.vocabSize()).isEqualTo(n + 3);
    int[] ids = tokenizer.encode("<|user|>hi<|end|>", true);
    assertThat(ids).startsWith(n).endsWith(n + 1).hasSizeBetween(3, 5);
    assertThat(tokenizer.decode(ids)).isEqualTo("<|user|>hi<|end|>");
    assertThat(tokenizer.encode("<|user|>hi<|end|>", false)).doesNotContain(n, n + 1);
    assertThat(tokenizer.encode("a qx b", false)).contains(n + 2);
    assertThat(new String(tokenizer.bytes(n), StandardCharsets.UTF_8)).isEqualTo("<|user|>");
    assertThat(tokenizer.isSpecial(n)).isTrue();
    assertThat(tokenizer.isSpecial(n + 2)).isFalse();
    assertThat(tokenizer.stopIds()).contains(n + 1).doesNotContain(n, n + 2);
    Tokenizer again = Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer));
    for (String text : List.of("<|user|>hi<|end|>", "a qx b", "no such token")) {
      assertThat(again.encodePrompt(text, true)).isEqualTo(tokenizer.encodePrompt(text, true));
    }
    assertThat(again.stopIds()).isEqualTo(tokenizer.stopIds());
  }

  /** The right value of a trial: ids that a GPT-2's added tokens have in Hugging Face's library. */
  @Test
  void aGpt2WithAddedTokens() throws IOException {
    int n = write(Form.VOCAB_AND_MERGES);
    writeAdded(n, "added_tokens.json");
    assertThat(open().encode("<|user|>hi<|end|>", true)).containsExactly(1024, 372, 1025);
  }

  /** The config may name an id that only these files, or none at all, have a token for. */
  @ParameterizedTest
  @EnumSource(Form.class)
  void stopIdsMayBeAddedTokensOrHaveNone(Form form) throws IOException {
    int n = write(form);
    writeAdded(n, "added_tokens.json");
    Folder folder = new Folder.Directory(directory);
    Tokenizer tokenizer = new TokenizerFolder(folder).ofModel(n + 8, n + 2, n + 5);
    assertThat(tokenizer.stopIds()).contains(n + 1, n + 2, n + 5);
    assertThat(tokenizer.hasText(n + 2)).isTrue();
    assertThat(tokenizer.hasText(n + 5)).isFalse();
    assertThat(new TokenizerFolder(folder).ofModel(n + 3, n + 5).stopIds()).doesNotContain(n + 5);
  }

  /** null: the file's own rule, which is to begin with it only for tokenizer.model. */
  @ParameterizedTest
  @CsvSource(
      nullValues = "null",
      value = {
        "VOCAB_AND_MERGES, true, GPT2Tokenizer, true",
        "VOCAB_AND_MERGES, false, GPT2Tokenizer, false",
        "VOCAB_AND_MERGES, null, GPT2Tokenizer, false",
        "TOKENIZER_JSON, true, PreTrainedTokenizerFast, true",
        "TOKENIZER_JSON, true, LlamaTokenizerFast, true",
        "TOKENIZER_JSON, null, LlamaTokenizerFast, true",
        "TOKENIZER_JSON, false, LlamaTokenizerFast, false",
        "TOKENIZER_JSON, null, PreTrainedTokenizerFast, false",
        "TOKENIZER_MODEL, true, LlamaTokenizer, true",
        "TOKENIZER_MODEL, false, LlamaTokenizer, false",
        "TOKENIZER_MODEL, null, T5Tokenizer, true"
      })
  void addBosTokenDecides(Form form, String addBos, String tokenizerClass, boolean begins)
      throws IOException {
    write(form);
    String bos = form == Form.TOKENIZER_MODEL ? "<s>" : "<|endoftext|>";
    json(
        "tokenizer_config.json",
        "{'add_bos_token': %s, 'tokenizer_class': '%s', 'bos_token': {'content': '%s'}}"
            .formatted(addBos, tokenizerClass, bos));
    Tokenizer tokenizer = open();
    int[] plain = tokenizer.encode("ab", false);
    int id = form == Form.TOKENIZER_MODEL ? 1 : 1023;
    int[] expected = begins ? joined(new int[] {id}, plain) : plain;
    assertThat(tokenizer.encodePrompt("ab", false)).isEqualTo(expected);
    assertThat(tokenizer.bosId()).hasValue(id);
  }

  /** A prompt ends with it, as in Hugging Face's library, only if the file says so. */
  @ParameterizedTest
  @EnumSource(Form.class)
  void addEosTokenEndsPrompts(Form form) throws IOException {
    write(form);
    String eos = form == Form.TOKENIZER_MODEL ? "</s>" : "<|endoftext|>";
    int id = form == Form.TOKENIZER_MODEL ? 2 : 1023;
    json("tokenizer_config.json", "{'add_eos_token': true, 'eos_token': '%s'}".formatted(eos));
    assertThat(open().encodePrompt("ab", false)).endsWith(id);
    json("tokenizer_config.json", "{'add_eos_token': false, 'eos_token': '%s'}".formatted(eos));
    assertThat(open().encodePrompt("ab", false)).doesNotContain(id);
  }

  private static int[] joined(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  /** A byte of a byte-level vocabulary stays one, whatever it is used for. */
  @Test
  void bytesStayBytes() throws IOException {
    write(Form.VOCAB_AND_MERGES);
    json(
        "tokenizer_config.json",
        "{'pad_token': '!', 'added_tokens_decoder': {'0': {'content': '!', 'special': true}}}");
    assertThat(open().encode("!", false)).containsExactly(0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "added_tokens.json|[1]|added_tokens.json: expected an object",
        "added_tokens.json|{'a'|added_tokens.json: expected JSON",
        "added_tokens.json|{'x': 'y'}|expected an id",
        "added_tokens.json|{'x': -1}|expected an id in 0..",
        "added_tokens.json|{'x': 2000000000}|expected an id in 0..",
        "added_tokens.json|{'x': 5}|as the vocabulary says",
        "added_tokens.json|{'x': 1024, 'x': 1025}|each token once",
        "added_tokens.json|{'x': 1024, 'y': 1024}|each id once, got 1024 twice",
        "special_tokens_map.json|7|special_tokens_map.json: expected an object",
        "tokenizer_config.json|{} {}|its end after the object",
        "tokenizer_config.json|{'add_bos_token': 'yes'}|add_bos_token: expected true or false",
        "tokenizer_config.json|{'added_tokens_decoder': 1}|expected an object",
        "tokenizer_config.json|{'added_tokens_decoder': {'x': {'content': 'y'}}}|expected ids",
        "tokenizer_config.json|{'added_tokens_decoder': {'1024': {}}}|content: expected a string",
        "tokenizer_config.json|{'added_tokens_decoder': {'1024': {'content': 'y',"
            + " 'single_word': true}}}|single_word: expected false"
      })
  void whatIsWrongIsSaidOfTheFile(String file, String content, String says) throws IOException {
    write(Form.VOCAB_AND_MERGES);
    json(file, content);
    assertThatThrownBy(this::open)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(says)
        .hasMessageContaining(directory.toString());
  }
}
