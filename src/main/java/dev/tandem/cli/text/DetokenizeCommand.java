package dev.tandem.cli.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.generation.Ids;
import dev.tandem.cli.options.TokenizerMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.StandardInput;
import dev.tandem.cli.terminal.Version;
import dev.tandem.tokenizer.StreamingDecoder;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem detokenize}: ids to text. */
@Command(
    name = "detokenize",
    versionProvider = Version.class,
    optionListHeading = "Output:",
    description = "Print the text of token ids.")
public final class DetokenizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private TokenizerMixin tokenizer;

  @Parameters(arity = "0..*", paramLabel = "ID", description = "Ids; - reads standard input.")
  private List<String> parameters = List.of();

  @Option(names = "--ids", paramLabel = "\"ID ...\"", description = "The same, as one argument.")
  private String ids = "";

  @Option(names = "--json", fallbackValue = "true", description = "{\"text\":\"...\"}")
  private boolean json;

  @Mixin GeneralMixin general;

  @Override
  public Integer call() throws IOException {
    StringBuilder written = new StringBuilder(ids);
    for (String parameter : parameters) {
      written.append(' ').append(StandardInput.textOr(spec, parameter));
    }
    int[] parsed = Ids.parse(spec, written.toString());
    Tokenizer opened = tokenizer.open();
    Ids.checkRange(spec, parsed, opened.vocabSize());
    StreamingDecoder decoder = opened.decoder();
    StringBuilder text = new StringBuilder();
    for (int id : parsed) {
      decoder.next(id, text);
    }
    decoder.finish(text);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(new ObjectMapper().writeValueAsString(Map.of("text", text.toString())));
    } else {
      out.print(text);
      if (Console.isTerminal(Console.STDOUT)) {
        out.println(); // otherwise the shell's prompt would follow on the same line
      }
    }
    out.flush();
    return 0;
  }
}
