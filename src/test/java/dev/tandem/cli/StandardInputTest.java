package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.StandardInput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Standard input that is closed, or no UTF-8. */
class StandardInputTest {
  @TempDir private Path folder;

  private CommandRun run(String redirection, String... args)
      throws IOException, InterruptedException {
    return new ClassPathProcess(folder)
        .before(List.of("bash", "-c", "exec \"$@\" " + redirection, "bash"))
        .run(args);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void closedInputIsNoOtherFile() throws Exception {
    for (List<String> args :
        List.of(
            List.of("generate", "-n", "1", "-"),
            List.of("tokenize", "-"),
            List.of("detokenize", "-"))) {
      run("<&-", args.toArray(String[]::new))
          .assertFails(Cli.FAILURE, args.get(0) + ": standard input is closed");
    }
  }

  /** What is open is read, whatever it is. */
  @Test
  void openInputIsRead() throws Exception {
    Path file = Files.writeString(folder.resolve("in"), "hello");
    String ids = run("< '" + file + "'", "tokenize", "--ids", "-").result();
    assertThat(ids).isEqualTo(CommandRun.tandem("tokenize", "--ids", "hello").out());
    assertThat(run("< /dev/null", "tokenize", "--ids", "-").result()).isBlank();
    assertThat(run("< <(printf hello)", "tokenize", "--ids", "-").result()).isEqualTo(ids);
  }

  @Test
  void inputThatIsNotUtf8IsNoted() throws Exception {
    CommandRun run = run("< <(printf 'caf\\303')", "tokenize", "-z", "gpt2", "--ids", "-");
    assertThat(run.code()).isZero();
    assertThat(run.out())
        .isEqualTo(CommandRun.tandem("tokenize", "-z", "gpt2", "--ids", "caf\uFFFD").out());
    assertThat(run.err()).startsWith("standard input is not UTF-8 (byte 3").contains("U+FFFD");
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run("< <(printf 'caf\\303\\251')", "tokenize", "--ids", "-").err()).isEmpty();
  }

  /** Bytes, what is read, and the first wrong one; -1 for none. */
  @ParameterizedTest
  @CsvSource({
    "636166c3a9, caf\u00e9, -1",
    "'', '', -1",
    "636166c3, caf\uFFFD, 3",
    "c32861, \uFFFD(a, 0",
    "61ff62fe63, a\uFFFDb\uFFFDc, 1",
    "61eda08062, a\uFFFDb, 1",
    "f0908080, \uD800\uDC00, -1",
    "efbfbd, \uFFFD, -1",
  })
  void whatIsWrongIsReplacedAndNoted(String hex, String text, int wrong) {
    byte[] bytes = new byte[hex.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(hex, 2 * i, 2 * i + 2, 16);
    }
    List<String> notes = new ArrayList<>();
    assertThat(StandardInput.decoded(bytes, notes::add)).isEqualTo(text);
    assertThat(notes).hasSize(wrong < 0 ? 0 : 1);
    assertThat(notes).allSatisfy(note -> assertThat(note).contains("(byte " + wrong + " "));
    assertThat(text.getBytes(StandardCharsets.UTF_8).length > 0).isEqualTo(bytes.length > 0);
  }
}
