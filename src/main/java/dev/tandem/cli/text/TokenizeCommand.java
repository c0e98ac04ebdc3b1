package dev.tandem.cli.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.options.TokenizerMixin;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.StandardInput;
import dev.tandem.cli.terminal.Version;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Locale;
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
    versionProvider = Version.class,
    optionListHeading = "Output:",
    description = "Show the tokens of a text: id and piece, one per line.")
public final class TokenizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private TokenizerMixin tokenizer;

  @Parameters(paramLabel = "TEXT", description = "The text; - reads standard input as UTF-8.")
  private String text = "";

  @Option(names = "--ids", fallbackValue = "true", description = "Only the ids, in one line.")
  private boolean idsOnly;

  @Option(names = "--json", fallbackValue = "true", description = "{\"ids\":[...]}")
  private boolean json;

  @Option(
      names = "--special",
      fallbackValue = "true",
      description = "Read special tokens that are written in the text as special tokens.")
  private boolean special;

  @Mixin GeneralMixin general;

  @Override
  public Integer call() throws IOException {
    Tokenizer opened = tokenizer.open();
    int[] ids = opened.encode(StandardInput.textOr(spec, text), special);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(new ObjectMapper().writeValueAsString(Map.of("ids", ids)));
    } else if (idsOnly) {
      out.println(Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
    } else {
      for (int id : ids) {
        out.printf(Locale.ROOT, "%6d  '%s'%n", id, TokenText.shown(opened.bytes(id)));
      }
    }
    out.flush();
    return 0;
  }
}
