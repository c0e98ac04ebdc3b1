package dev.tandem.cli;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What to continue, how far, and how to show it. */
final class PromptMixin {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "PROMPT",
      description = "The text to continue; - reads standard input.")
  private List<String> positional = List.of();

  @Option(
      names = {"-i", "--prompt"},
      paramLabel = "TEXT",
      description = "The same, as an option.")
  private List<String> named = List.of();

  @Option(
      names = "--ids",
      paramLabel = "\"ID ...\"",
      description = "The prompt as token ids, used exactly as they are.")
  private List<String> ids = List.of();

  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "256",
      description = "Tokens to generate at most. Default: ${DEFAULT-VALUE}")
  private int maxTokens;

  @Mixin SamplingMixin sampling;

  @Option(names = "--stop", paramLabel = "TEXT", description = "End before this text. Repeatable.")
  private List<String> stop = List.of();

  @Option(names = "--ignore-eos", description = "Go on where the model would end the text.")
  private boolean ignoreEos;

  @Option(names = "--special", description = "Special tokens written in the prompt count as such.")
  private boolean special;

  @Option(names = "--no-echo", description = "Print only what is added to the prompt.")
  boolean noEcho;

  @Option(names = "--json", description = "One JSON object instead of text.")
  boolean json;

  /** The prompt as text; empty where ids were given. */
  String text() throws IOException {
    if (positional.size() + named.size() + ids.size() > 1) {
      throw new ParameterException(
          spec.commandLine(), "give the prompt once: as PROMPT, with --prompt, or with --ids");
    }
    if (!ids.isEmpty()) {
      return "";
    }
    String given = !positional.isEmpty() ? positional.get(0) : named.isEmpty() ? "" : named.get(0);
    return StandardInput.textOr(given);
  }

  /** The prompt as the model is fed it; a usage error names an id that is not in the vocabulary. */
  int[] promptIds(Tokenizer tokenizer, String text) {
    if (ids.isEmpty()) {
      return tokenizer.encodePrompt(text, special);
    }
    int[] given = Ids.parse(spec, ids.get(0));
    Ids.checkRange(spec, given, tokenizer.vocabSize());
    return given;
  }

  /** Checks everything that can be checked before a model is opened. */
  GenerationRequest.Builder request(int[] promptIds) {
    try {
      return GenerationRequest.builder(promptIds)
          .maxTokens(maxTokens)
          .sampling(sampling.options())
          .stopStrings(stop)
          .ignoreEos(ignoreEos);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
