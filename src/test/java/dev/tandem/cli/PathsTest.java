package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Paths that the locale's encoding cannot express: the message says what to set. */
@EnabledOnOs(OS.LINUX)
@Tag("slow")
class PathsTest {
  @TempDir private Path folder;

  static Stream<List<String>> commands() {
    String name = "/tmp/\u00fc.txt";
    return Stream.of(
        List.of("perplexity", "-f", name),
        List.of("convert", "gpt2-shakespeare", name),
        List.of("convert", name, "x.gguf"),
        List.of("synthesize", "stories110M", name),
        List.of("split", "gpt2-shakespeare", "--at", "1", "--client", name, "--server", "x"),
        List.of("generate", "-c", name),
        List.of("generate", "-z", name),
        List.of("generate", "--config", name),
        List.of("tokenize", "-z", name, "x"),
        List.of("inspect", name));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void theMessageSaysWhatToSet(List<String> args) throws Exception {
    CommandRun run =
        new ClassPathProcess(folder)
            .environment("LC_ALL", "C")
            // A test that itself runs under LC_ALL=C could not pass the word on.
            .before(List.of("bash", "-c", "exec \"${@//UUML/$'\\303\\274'}\"", "bash"))
            .run(args.stream().map(arg -> arg.replace("\u00fc", "UUML")).toArray(String[]::new));
    assertThat(run.code()).isBetween(Cli.FAILURE, Cli.USAGE);
    CommandRun.assertOneLine(run.err(), "LC_ALL=C.UTF-8", "encoding");
    assertThat(run.err()).doesNotContain("java.", "Malformed");
  }
}
