package dev.tandem.cli.models;

import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Version;
import dev.tandem.files.ModelFiles;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem synthesize}: a model with random weights. */
@Command(
    name = "synthesize",
    versionProvider = Version.class,
    optionListHeading = "Weights:",
    description = {
      "Write a model with random weights in the shape of a known one, for benchmarks and tests.",
      "Its tokenizer works; its text makes no sense."
    })
public final class SynthesizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "NAME",
      completionCandidates = Shapes.class,
      description = "One of ${COMPLETION-CANDIDATES}.")
  private String name;

  @Parameters(index = "1", paramLabel = "OUT", description = "What to write, such as model.gguf.")
  private Path out;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "N",
      defaultValue = "1",
      description = "Equal seeds give equal weights. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Mixin private ConversionMixin conversion;
  @Mixin private GeneralMixin general;

  /** The known shapes. */
  static final class Shapes implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ModelFiles.shapes().iterator();
    }
  }

  @Override
  public Integer call() {
    if (!ModelFiles.shapes().contains(name)) {
      throw new ParameterException(
          spec.commandLine(),
          "no shape '" + name + "'; there are " + String.join(", ", ModelFiles.shapes()));
    }
    return conversion.write(() -> ModelFiles.random(name, seed), out, general.verbose);
  }
}
