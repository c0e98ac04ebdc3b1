package dev.tandem.cli.options;

import dev.tandem.formats.files.OpenOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
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

  public OpenOptions options(Optional<Path> tokenizer) {
    return new OpenOptions(tokenizer, config);
  }
}
