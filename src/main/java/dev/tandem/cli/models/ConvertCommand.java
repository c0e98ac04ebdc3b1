package dev.tandem.cli.models;

import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.options.TokenizerOptionMixin;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Version;
import dev.tandem.files.ModelFiles;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem convert}: a model in another format or type. */
@Command(
    name = "convert",
    versionProvider = Version.class,
    description = {
      "Write a model in another format or type.",
      "The file appears under its name when it is complete. --verbose lists each tensor's type."
    })
public final class ConvertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A file, a directory, a built-in or a pulled model.")
  private String in;

  @Parameters(index = "1", paramLabel = "OUT", description = "What to write, such as model.gguf.")
  private Path out;

  @Mixin private ConversionMixin conversion;
  @Mixin private TokenizerOptionMixin tokenizer;
  @Mixin private ConfigMixin config;
  @Mixin private GeneralMixin general;

  @Override
  public Integer call() {
    return conversion.write(
        () -> ModelFiles.open(config.source(spec, in, tokenizer.given())), out, general.verbose);
  }
}
