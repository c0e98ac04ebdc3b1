package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Utf8Arguments;
import dev.tandem.cli.text.TokenText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerCommandsTest {
  private static final Path WEIGHTS = Path.of("weights");

  @TempDir private Path folder;

  private CommandRun tokenize(Path tokenizer) {
    return tandem("tokenize", "-z", tokenizer.toString(), "--ids", "To be");
  }

  private static String ids(String tokenizer) {
    return tandem("tokenize", "-z", tokenizer, "--ids", "To be").result();
  }

  @Test
  void directoriesMayHoldAnyTokenizer() throws IOException {
    Path bin = WEIGHTS.resolve("stories260K/tok512.bin");
    Files.copy(bin, folder.resolve("tok512.bin"));
    assertThat(tokenize(folder).result()).isEqualTo(ids("stories260K"));
    assertThat(
            tandem("generate", "-c", "stories260K", "-z", folder.toString(), "-n", "1", "x").code())
        .isZero();
    Files.copy(bin, folder.resolve("tok600.bin"));
    tokenize(folder).assertFails(Cli.FAILURE, "name one of them: tok512.bin, tok600.bin");
    assertThat( // the model says how many tokens there are
            tandem("generate", "-c", "stories260K", "-z", folder.toString(), "-n", "1", "x").code())
        .isZero();
    Files.delete(folder.resolve("tok512.bin"));
    Files.move(folder.resolve("tok600.bin"), folder.resolve("tokenizer.bin"));
    assertThat(tokenize(folder).result()).isEqualTo(ids("stories260K"));
    Files.delete(folder.resolve("tokenizer.bin"));
    tokenize(folder).assertFails(Cli.FAILURE, "no tokenizer in this directory", "tokN.bin");
    String gguf = folder.resolve("a.gguf").toString();
    assertThat(tandem("convert", "gpt2-shakespeare", gguf).code()).isZero();
    assertThat(tokenize(folder).result()).isEqualTo(ids("gpt2-shakespeare"));
  }

  /** What a file is not is said of that file, in one line. */
  @ParameterizedTest
  @CsvSource({
    "x, '', because it is empty",
    "x.bin, '', because it is empty",
    "x.json, '', because it is empty",
    "x.txt, some text, merges.txt line 1",
    "x, some text, not a known tokenizer",
    "x.bin, some text, not a known tokenizer",
    "x.json, some text, not a known tokenizer",
    "x.png, '\\211PNG\\r\\n\\032\\n\\0\\0\\0\\rIHDR', not a known tokenizer",
    "x.bin, '\\211PNG\\r\\n\\032\\n\\0\\0\\0\\rIHDR', not a known tokenizer",
    "x.json, '{\"a\": {\"b\": 1}}', not a known tokenizer",
    "config.json, '{\"n_layer\": \"x\"}', not a known tokenizer",
    "x.json, '[1, 2]', not a known tokenizer",
    "x.json, '{}', not a known tokenizer",
    "x.json, '{\"a\": 1}', there is no merges.txt beside it",
    "tokenizer.json, '{\"model\": {}}', tokenizer.json",
  })
  void whatIsNoTokenizerIsSaidOfTheFile(String name, String content, String says)
      throws IOException {
    Path file = folder.resolve(name);
    Files.write(file, content.translateEscapes().getBytes(StandardCharsets.ISO_8859_1));
    tokenize(file).assertFails(Cli.FAILURE, file.toString(), says);
  }

  /** What is assumed is said whoever reads it: standard error is no terminal here. */
  @Test
  void whatIsAssumedOfATokenizerIsAlwaysSaid() throws IOException {
    String gguf = folder.resolve("a.gguf").toString();
    assertThat(tandem("convert", "gpt2-shakespeare", gguf).code()).isZero();
    byte[] file = Files.readAllBytes(Path.of(gguf));
    String text = new String(file, StandardCharsets.ISO_8859_1);
    file[text.indexOf("tokenizer.ggml.pre") + 15] = 'x'; // another key, which is not read
    Files.write(Path.of(gguf), file);
    String said = "assumed that texts are split as GPT-2's";
    for (String[] command :
        new String[][] {
          {"tokenize", "-z", gguf, "--ids", "To be"},
          {"detokenize", "-z", gguf, "1"},
          {"generate", "-c", gguf, "-n", "1", "To be"},
          {"generate", "-c", gguf, "--type", "q8_0", "-n", "1", "To be"},
          {"inspect", gguf},
          {"convert", gguf, folder.resolve("b.gguf").toString()}
        }) {
      CommandRun run = tandem(command);
      assertThat(run.code()).as(command[0]).isZero();
      assertThat(run.err()).as(command[0]).containsOnlyOnce(said);
    }
    assertThat(tandem("tokenize", "-z", gguf, "--ids", "To be").out())
        .isEqualTo(ids("gpt2-shakespeare"));
  }

  @Test
  void whatIsNotThereIsSaid() {
    tokenize(folder.resolve("nothing")).assertFails(Cli.FAILURE, "no tokenizer '", "nothing");
    tandem("tokenize", "-z", "", "x").assertFails(Cli.FAILURE, "no tokenizer ''");
  }

  @Test
  void inspectNamesTheKind() throws IOException {
    assertThat(tandem("inspect").result()).contains("kind         byte-level BPE (gpt2)");
    assertThat(tandem("inspect", "stories260K", "--json").json().at("/tokenizer/kind").asText())
        .isEqualTo("SentencePiece BPE");
  }

  @Test
  void gpt2sOwnVocabularyIsBuiltIn() throws IOException {
    assertThat(tandem("tokenize", "-z", "gpt2", "--json", "Hello world").result().strip())
        .isEqualTo("{\"ids\":[15496,995]}");
    assertThat(tandem("tokenize", "-z", "gpt2", "--ids", "Hello world").result().strip())
        .isEqualTo("15496 995");
    assertThat(tandem("detokenize", "-z", "gpt2", "15496", "995").result())
        .isEqualTo("Hello world");
    assertThat(
            tandem("detokenize", "-z", "gpt2", "--ids", "[15496, 995]", "--json")
                .json()
                .get("text"))
        .hasToString("\"Hello world\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "gpt2-shakespeare", "stories260K"})
  void textComesBack(String tokenizer) {
    for (String text : new String[] {"", "a  b\n", "Zoë, 😀 and \u0001\\ end "}) {
      String ids = tandem("tokenize", "-z", tokenizer, "--ids", text).result().strip();
      assertThat(tandem("detokenize", "-z", tokenizer, "--ids", ids).result()).isEqualTo(text);
    }
  }

  @Test
  void piecesAreShownInOneLineEach() {
    assertThat(tandem("tokenize", "-z", "gpt2", "Hi\n😀").result().lines())
        .containsExactly(
            " 17250  'Hi'", "   198  '\\n'", " 47249  '\\xF0\\x9F\\x98'", "   222  '\\x80'");
  }

  @ParameterizedTest
  @CsvSource({
    "48 69, Hi",
    "c3 a9, é",
    "c3, \\xC3",
    "a9 41, \\xA9A",
    "41 f0 9f 98, A\\xF0\\x9F\\x98",
    "0a 09 0d 5c, \\n\\t\\r\\\\",
    "1b 5b 33 31 6d, \\x1B[31m",
    "c2 9b, \\xC2\\x9B",
    "ff fe 41, \\xFF\\xFEA"
  })
  void nothingActsOnTheTerminal(String hex, String shown) {
    String[] words = hex.split(" ", -1);
    byte[] bytes = new byte[words.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(words[i], 16);
    }
    assertThat(TokenText.shown(bytes)).isEqualTo(shown);
  }

  @Test
  void argumentsAreUtf8WhereJavaCouldNotReadThem() {
    byte[] commandLine = "java\0-jar\0a.jar\0é\0plain\0".getBytes(StandardCharsets.UTF_8);
    assertThat(Utf8Arguments.decode(commandLine, "??", "plain")).containsExactly("é", "plain");
    assertThat(Utf8Arguments.decode(commandLine, "??", "other")).containsExactly("??", "other");
    assertThat(Utf8Arguments.decode(new byte[0], "??")).containsExactly("??");
    byte[] latin1 = "java\0é\0".getBytes(StandardCharsets.ISO_8859_1);
    assertThat(Utf8Arguments.decode(latin1, "é")).containsExactly("é");
  }
}
