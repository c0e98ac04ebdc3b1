package dev.tandem.formats.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.TokenizerFiles;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TestModels;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which file of which name and content becomes which tokenizer. */
class TokenizerFilesTest {
  private static final Path SHAKESPEARE = TestModels.WEIGHTS.resolve("gpt2-shakespeare");
  private static final Path TOK512 = TestModels.WEIGHTS.resolve("stories260K/tok512.bin");

  private final Path directory;

  TokenizerFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** GPT-2's tokens as {length, bytes}. */
  private static byte[] gpt2Tokens(int lengthBytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int id = 0; id < 50_257; id++) {
      byte[] token = Tokenizers.gpt2().bytes(id);
      byte[] length = littleEndian(token.length);
      out.write(length, 0, lengthBytes);
      out.writeBytes(token);
    }
    return out.toByteArray();
  }

  private static byte[] littleEndian(int... values) {
    ByteBuffer out = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      out.putInt(value);
    }
    return out.array();
  }

  private static byte[] joined(byte[] first, byte[] second) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(first);
    out.writeBytes(second);
    return out.toByteArray();
  }

  /** A byte-level tokenizer.json of three tokens. */
  private static byte[] tokenizerJson() {
    return """
        {"version": "1.0", "added_tokens": [], "normalizer": null,
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
         "post_processor": null, "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
        """
        .getBytes(StandardCharsets.UTF_8);
  }

  /** A tokenizer.model of an unknown token and the letters a to z. */
  private static byte[] tokenizerModel() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {0x0A, 5, 0x0A, 1, '?', 0x18, 2});
    for (byte letter = 'a'; letter <= 'z'; letter++) {
      out.writeBytes(new byte[] {0x0A, 3, 0x0A, 1, letter});
    }
    out.writeBytes(new byte[] {0x12, 2, 0x18, 2}); // trainer_spec: BPE
    return out.toByteArray();
  }

  private static Map<String, byte[]> files() {
    int[] header = new int[256];
    header[0] = 20_240_328;
    header[1] = 1;
    header[2] = 50_257;
    Map<String, byte[]> files = new TreeMap<>();
    files.put("tokenizer.json", tokenizerJson());
    files.put("tokenizer.model", tokenizerModel());
    files.put("vocab.bin", joined(littleEndian(50_257), gpt2Tokens(4)));
    files.put("gpt2_tokenizer.bin", joined(littleEndian(header), gpt2Tokens(1)));
    return files;
  }

  private static int sizeOf(String name) {
    return name.equals("tokenizer.json") ? 3 : name.equals("tokenizer.model") ? 27 : 50_257;
  }

  @Test
  void filesAreKnownByTheirContentWhateverTheirNames() throws IOException {
    Map<String, byte[]> files = files();
    files.put("static-grad-vocabulary", gpt2Tokens(1));
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      for (String name : new String[] {file.getKey(), "x-" + file.getKey(), "other.dat"}) {
        Path path = Files.write(directory.resolve(name), file.getValue());
        Tokenizer tokenizer = TokenizerFiles.open(path.toString());
        assertThat(tokenizer.vocabSize()).as(name).isEqualTo(sizeOf(file.getKey()));
        Files.delete(path);
      }
    }
    Path stories = Files.copy(TOK512, directory.resolve("no-suffix"));
    assertThat(TokenizerFiles.open(stories.toString()).vocabSize()).isEqualTo(512);
    Files.copy(SHAKESPEARE.resolve("merges.txt"), directory.resolve("merges.txt"));
    Path vocab = Files.copy(SHAKESPEARE.resolve("vocab.json"), directory.resolve("v.json"));
    assertThat(TokenizerFiles.open(vocab.toString()).vocabSize()).isEqualTo(1_024);
  }

  /** Each file that comes before the others in a directory wins as soon as it is there. */
  @Test
  void directoriesHaveAnOrder() throws IOException {
    Map<String, byte[]> files = files();
    Files.write(directory.resolve("gpt2_tokenizer.bin"), files.get("gpt2_tokenizer.bin"));
    assertSize(50_257);
    Files.write(directory.resolve("vocab.bin"), files.get("vocab.bin"));
    assertSize(50_257);
    Files.copy(TOK512, directory.resolve("tokenizer.bin"));
    assertSize(512);
    Files.copy(SHAKESPEARE.resolve("merges.txt"), directory.resolve("merges.txt"));
    assertSize(1_024);
    Files.copy(SHAKESPEARE.resolve("vocab.json"), directory.resolve("vocab.json"));
    assertSize(1_024);
    Files.write(directory.resolve("tokenizer.model"), files.get("tokenizer.model"));
    assertSize(27);
    Files.write(directory.resolve("tokenizer.json"), files.get("tokenizer.json"));
    assertSize(3);
  }

  private void assertSize(int expected) throws IOException {
    assertThat(TokenizerFiles.open(directory.toString()).vocabSize()).isEqualTo(expected);
  }

  @Test
  void aModelsTokenizerMayBeSmallerOrLarger() throws IOException {
    Folder folder = new Folder.Directory(SHAKESPEARE);
    for (int vocabSize : new int[] {1_024, 1_040, 1_041, 1_088, 2_048, 50_257, 1_023, 100}) {
      Tokenizer fitted = new TokenizerFolder(folder).ofModel(vocabSize, 5);
      assertThat(fitted.vocabSize()).isEqualTo(Math.max(vocabSize, 1_024));
      assertThat(fitted.stopIds()).containsExactly(5);
      for (int id = 1_024; id < vocabSize; id++) {
        assertThat(fitted.bytes(id)).isEmpty();
        assertThat(fitted.hasText(id)).isFalse();
      }
      boolean usual = vocabSize >= 1_024 && vocabSize <= 1_040;
      assertThat(fitted.notes()).as("%d", vocabSize).hasSize(usual ? 0 : 1);
      assertThat(fitted.notes())
          .allMatch(note -> note.contains("1024") && note.contains("" + vocabSize));
    }
  }

  @Test
  void whatIsWrongIsSaidOfTheFile() throws IOException {
    Path json = directory.resolve("tokenizer.json");
    Files.writeString(json, "{\"model\": {\"type\": \"Unigram\"}}");
    assertThatThrownBy(() -> TokenizerFiles.open(json.toString()))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(json.toString(), "model.type", "BPE", "Unigram");
    Path text = Files.writeString(directory.resolve("notes"), "nothing");
    assertThatThrownBy(() -> TokenizerFiles.open(text.toString()))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("notes", "tokenizer.json", "vocab.bin");
    Path broken = Files.write(directory.resolve("vocab.bin"), new byte[] {1, 0, 0, 0, 9});
    assertThatThrownBy(() -> TokenizerFiles.open(broken.toString()))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("vocab.bin");
  }
}
