package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Usage;
import dev.tandem.settings.Draft;
import dev.tandem.settings.ModelSource;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options for drafts. */
@Command(optionListHeading = "Drafts:")
public final class DraftMixin {
  private static final String NONE = "none";
  private static final String NGRAM = "ngram";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--draft",
      paramLabel = "ngram|MODEL|none",
      defaultValue = NONE,
      description =
          "Guess the next tokens, from the text so far or with a small model that has the same"
              + " tokenizer, and compute them in one step. The text stays the same. Default:"
              + " ${DEFAULT-VALUE}")
  private String draft;

  @Option(
      names = "--draft-tokens",
      paramLabel = "N",
      description =
          "Tokens to guess at most; how many it guesses depends on how often it is right. Default:"
              + " 15")
  private Optional<Integer> draftTokens = Optional.empty();

  /** How tokens are guessed, if they are; a usage error names a wrong value. */
  public Optional<Draft> draft() {
    if (draft.equals(NONE)) {
      if (draftTokens.isPresent()) {
        throw Usage.wrong(spec, "--draft-tokens", "needs --draft", draftTokens.get());
      }
      return Optional.empty();
    }
    Draft chosen =
        draft.equals(NGRAM)
            ? Draft.ngram()
            : Draft.model(ModelSource.of(draft).withCache(ConfigMixin.cache(spec)));
    return Optional.of(draftTokens.map(chosen::withMaxTokens).orElse(chosen));
  }
}
