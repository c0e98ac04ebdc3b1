package dev.tandem.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem tokenize}: text to ids. */
@Command(
    name = "tokenize",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Show the tokens of a text: id and piece, one per line.")
final class TokenizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private TokenizerMixin tokenizer;

  @Parameters(paramLabel = "TEXT", description = "The text; - reads standard input as UTF-8.")
  private String text;

  @Option(names = "--ids", description = "Only the ids, in one line.")
  private boolean idsOnly;

  @Option(names = "--json", description = "{\"ids\":[...]}")
  private boolean json;

  @Option(names = "--special", description = "Special tokens written in the text count as such.")
  private boolean special;

  @Override
  public Integer call() throws IOException {
    Tokenizer opened = tokenizer.open();
    int[] ids = opened.encode(StandardInput.textOr(text), special);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(new ObjectMapper().writeValueAsString(Map.of("ids", ids)));
    } else if (idsOnly) {
      out.println(Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
    } else {
      for (int id : ids) {
        String piece = new String(opened.bytes(id), StandardCharsets.UTF_8);
        out.printf("%6d  '%s'%n", id, escaped(piece));
      }
    }
    out.flush();
    return 0;
  }

  private static String escaped(String piece) {
    return piece.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
  }
}
