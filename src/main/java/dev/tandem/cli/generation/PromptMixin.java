package dev.tandem.cli.generation;

import dev.tandem.cli.terminal.StandardInput;
import dev.tandem.generation.Prompt;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The prompt. The command line takes precedence over the environment. */
@Command(optionListHeading = "Prompt:")
public final class PromptMixin {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "PROMPT",
      description =
          "The text to continue; - reads standard input as UTF-8. Without it the model starts from"
              + " its beginning-of-text token.")
  private Optional<String> positional = Optional.empty();

  @Option(
      names = {"-i", "--prompt"},
      paramLabel = "TEXT",
      description = "The same, as an option.")
  private Optional<String> named = Optional.empty();

  @Option(
      names = "--ids",
      paramLabel = "\"ID ...\"",
      description = "The prompt as token ids, used unchanged.")
  private Optional<String> ids = Optional.empty();

  @Option(
      names = "--special",
      fallbackValue = "true",
      description = "Read special tokens that are written in the prompt as special tokens.")
  private boolean special;

  /**
   * Checks the options, and reads standard input if requested.
   *
   * @return the prompt as text; empty if ids were given
   */
  public String text() throws IOException {
    ParseResult written = spec.commandLine().getParseResult();
    boolean namedWritten = written.hasMatchedOption("--prompt");
    boolean idsWritten = written.hasMatchedOption("--ids");
    if ((positional.isPresent() ? 1 : 0) + (namedWritten ? 1 : 0) + (idsWritten ? 1 : 0) > 1) {
      throw new ParameterException(
          spec.commandLine(), "give the prompt once: as PROMPT, with --prompt, or with --ids");
    }
    if (positional.isPresent() || namedWritten) {
      ids = Optional.empty();
    }
    if (ids.isPresent()) {
      parsedIds();
      return "";
    }
    return StandardInput.textOr(spec, positional.or(() -> named).orElse(""));
  }

  /** What the model continues; a usage error names an id that is not in the vocabulary. */
  public Prompt prompt(Tokenizer tokenizer, String text) {
    if (ids.isEmpty()) {
      return special ? Prompt.markup(text) : Prompt.text(text);
    }
    int[] given = parsedIds();
    Ids.checkRange(spec, given, tokenizer.vocabSize());
    return Prompt.ids(given);
  }

  private int[] parsedIds() {
    int[] parsed = Ids.parse(spec, ids.orElse(""));
    if (parsed.length == 0) {
      throw new ParameterException(
          spec.commandLine(), "--ids needs at least one id, such as --ids \"15 496\"");
    }
    return parsed;
  }
}
