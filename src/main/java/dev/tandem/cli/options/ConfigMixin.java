package dev.tandem.cli.options;

import dev.tandem.cli.terminal.EnvironmentDefaults;
import dev.tandem.settings.ModelSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Additions to a model's config. */
@Command(optionListHeading = "Model:")
public final class ConfigMixin {
  @Option(
      names = "--config",
      paramLabel = "FILE|KEY=VALUE",
      description =
          "A config.json to use in place of the one beside the model, or one value to add or to"
              + " replace, such as n_head=12. Repeatable.")
  private List<String> config = new ArrayList<>();

  /** The directory of pulled models, as the command's environment says. */
  static Path cache(CommandSpec spec) {
    return ModelSource.userCache(EnvironmentDefaults.of(spec), System.getProperty("user.home", ""));
  }

  /**
   * A model with what was given here.
   *
   * @param spec the command, whose environment says where pulled models are
   */
  public ModelSource source(CommandSpec spec, String model, Optional<Path> tokenizer) {
    return new ModelSource(model, tokenizer, config, Optional.of(cache(spec)), Optional.empty());
  }
}
