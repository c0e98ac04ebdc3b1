package dev.tandem.formats.files;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.dumps.DumpFiles;
import dev.tandem.formats.dumps.FlatFilesTest;
import dev.tandem.formats.huggingface.HuggingFaceConfig;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import dev.tandem.tokenizer.huggingface.TokenizerSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Tokenizers as the files of other programs. */
class TokenizerExportTest {
  private static final String TEXT = "To be, or not to be: that's the question.\n\n  Zoë 42";

  @Test
  void tokenizersAreWrittenInTheFormThatKeepsThem() throws IOException {
    try (Checkpoint gpt2 = Checkpoints.open("gpt2-shakespeare", Optional.empty());
        Checkpoint llama = Checkpoints.open("stories260K", Optional.empty())) {
      Path files = TestModels.WEIGHTS;
      Map<String, byte[]> byteLevel = TokenizerExport.huggingFace(gpt2);
      assertThat(byteLevel.keySet()).containsExactly("vocab.json", "merges.txt");
      assertThat(new String(byteLevel.get("merges.txt"), StandardCharsets.UTF_8).lines())
          .containsExactlyElementsOf(
              Files.readAllLines(files.resolve("gpt2-shakespeare/merges.txt")));
      assertThat(TokenizerExport.huggingFace(llama)).containsOnlyKeys("tokenizer.bin");
      assertThat(HuggingFaceConfig.tokenizerNote(llama)).get().asString().contains("tokenizer.bin");
      assertThat(HuggingFaceConfig.tokenizerNote(gpt2)).isEmpty();
      assertThat(TokenizerExport.vocabBin(llama)).isEmpty();
      assertThat(TokenizerExport.vocabBin(gpt2)).isPresent();
    }
  }

  /** SentencePiece's own form, built by hand: what is read from it is written again. */
  @Test
  void sentencePieceTokenizersStayWhatTheyAre() throws IOException {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    piece(file, "<unk>", 0, 2);
    piece(file, "<s>", 0, 3);
    piece(file, "</s>", 0, 3);
    for (int value = 0; value < 256; value++) {
      piece(file, String.format("<0x%02X>", value), 0, 6);
    }
    piece(file, "\u2581a", -1, 1);
    piece(file, "ab", -2.5f, 1);
    piece(file, "\u2581", -3, 1);
    piece(file, "a", -4, 1);
    piece(file, "b", -5, 1);
    file.writeBytes(new byte[] {0x12, 5, 3 << 3, 2, (byte) (((35 << 3) & 0x7f) | 0x80), 2, 1});
    file.writeBytes(new byte[] {0x1a, 4, 3 << 3, 1, 4 << 3, 0});
    Tokenizer tokenizer = Tokenizers.sentencePiece(file.toByteArray());
    Checkpoint model = withTokenizer(tokenizer);
    Map<String, byte[]> written = TokenizerExport.huggingFace(model);
    assertThat(written).containsOnlyKeys("tokenizer.model");
    Tokenizer read =
        Tokenizers.sentencePiece(Objects.requireNonNull(written.get("tokenizer.model")));
    for (String text : List.of("ab a b  aab", "Zo\u00eb", "")) {
      assertThat(read.encode(text, false)).containsExactly(tokenizer.encode(text, false));
    }
    assertThat(HuggingFaceConfig.tokenizerNote(model)).isEmpty();
  }

  private static void piece(ByteArrayOutputStream out, String name, float score, int type) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    out.write(1 << 3 | 2);
    out.write(text.length + 2 + 5 + 2);
    out.write(1 << 3 | 2);
    out.write(text.length);
    out.writeBytes(text);
    out.write(2 << 3 | 5);
    out.writeBytes(DumpFiles.floats(new float[] {score}));
    out.write(3 << 3);
    out.write(type);
  }

  private static Checkpoint withTokenizer(Tokenizer tokenizer) throws IOException {
    Checkpoint random = RandomModels.of("small", FlatFilesTest.GPT2, DType.F32, 1);
    return new Checkpoint(
        "small", "test", random.config(), random.tensors(), () -> tokenizer, List.of());
  }

  /** Llama 3's split pattern is in a tokenizer.json only. */
  @Test
  void tokenizersThatNoFileKeepsAreLeftOut() throws IOException {
    GgufVocabulary gpt2 = Tokenizers.vocabularyOf(Tokenizers.gpt2());
    Tokenizer split =
        Tokenizers.gguf(
            new GgufVocabulary(
                gpt2.model(),
                "llama-bpe",
                gpt2.tokens(),
                gpt2.scores(),
                gpt2.tokenTypes(),
                gpt2.merges(),
                gpt2.bosId(),
                gpt2.eosId(),
                gpt2.eotId(),
                gpt2.unknownId(),
                gpt2.addBos(),
                gpt2.addEos(),
                gpt2.addSpacePrefix(),
                gpt2.own()));
    Checkpoint model = withTokenizer(split);
    assertThat(TokenizerExport.huggingFace(model)).isEmpty();
    assertThat(TokenizerExport.vocabBin(model)).isEmpty();
    assertThat(HuggingFaceConfig.tokenizerNote(model)).get().asString().contains("is left out");
    Checkpoint own = withTokenizer(Tokenizers.gpt2());
    assertThat(TokenizerExport.huggingFace(own)).containsOnlyKeys("vocab.json", "merges.txt");
    byte[] vocabBin = TokenizerExport.vocabBin(own).orElseThrow();
    assertThat(Tokenizers.vocabBin(vocabBin).encode(TEXT, false))
        .containsExactly(Tokenizers.gpt2().encode(TEXT, false));
    assertThat(ByteBuffer.wrap(vocabBin).order(ByteOrder.LITTLE_ENDIAN).getInt()).isEqualTo(50257);
  }

  /** Tokens that only tokenizer_config.json names are written there again. */
  @Test
  void addedTokensAreKept() throws IOException {
    Tokenizer tokenizer =
        Tokenizers.withSettings(
            Tokenizers.gpt2(),
            TokenizerSettings.read(
                Map.of(
                    "tokenizer_config.json",
                    """
                    {"add_bos_token": true, "bos_token": "<|start|>", "eos_token": "<|end|>",
                     "added_tokens_decoder": {
                       "50257": {"content": "<|start|>", "special": true},
                       "50258": {"content": "<|end|>", "special": true, "rstrip": true},
                       "50259": {"content": "two words", "lstrip": true}}}
                    """
                        .getBytes(StandardCharsets.UTF_8))));
    Map<String, byte[]> files = TokenizerExport.huggingFace(withTokenizer(tokenizer));
    assertThat(files).containsOnlyKeys("vocab.json", "merges.txt", "tokenizer_config.json");
    Tokenizer read =
        Tokenizers.withSettings(
            Tokenizers.byteLevelBpe(
                Objects.requireNonNull(files.get("vocab.json")),
                Objects.requireNonNull(files.get("merges.txt"))),
            TokenizerSettings.read(files));
    for (String text : List.of("a <|end|>  b", "so two words are", TEXT)) {
      assertThat(read.encodePrompt(text, true)).isEqualTo(tokenizer.encodePrompt(text, true));
    }
    assertThat(read.stopIds()).isEqualTo(tokenizer.stopIds()).contains(50258);
  }

  /** Rows that pad a vocabulary are no tokens of the files. */
  @Test
  void paddedVocabulariesAreWrittenWithoutTheirPadding() throws IOException {
    Checkpoint model = withTokenizer(Tokenizers.fitted(Tokenizers.gpt2(), 50304));
    Map<String, byte[]> files = TokenizerExport.huggingFace(model);
    assertThat(files).containsOnlyKeys("vocab.json", "merges.txt");
    Tokenizer read =
        Tokenizers.byteLevelBpe(
            Objects.requireNonNull(files.get("vocab.json")),
            Objects.requireNonNull(files.get("merges.txt")));
    assertThat(read.vocabSize()).isEqualTo(50257);
  }
}
