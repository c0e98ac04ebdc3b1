package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerCommandsTest {

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
    assertThat(Pieces.shown(bytes)).isEqualTo(shown);
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
