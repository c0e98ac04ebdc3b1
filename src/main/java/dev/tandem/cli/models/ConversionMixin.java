package dev.tandem.cli.models;

import dev.tandem.files.ModelFiles;
import dev.tandem.files.WriteOptions;
import dev.tandem.settings.WeightType;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options of a command that writes a model; writes it with a progress bar. */
@Command(optionListHeading = "Output:")
final class ConversionMixin {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description =
          "The type of the matrices: f32, f16, bf16, q8_0 or q4_0. Vectors are always f32; if"
              + " rows are not whole blocks of 32, f16. Default: each tensor's own type, f32 for random weights")
  private Optional<WeightType> type = Optional.empty();

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      completionCandidates = Formats.class,
      description = "${COMPLETION-CANDIDATES}. Default: by OUT's name")
  private Optional<String> format = Optional.empty();

  @Option(names = "--force", fallbackValue = "true", description = "Replace OUT if it is there.")
  private boolean force;

  /** Completes {@code --format}. */
  static final class Formats implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ModelFiles.formats().iterator();
    }
  }

  /**
   * Writes a model.
   *
   * @param out file or directory
   * @param verbose whether each tensor's type is listed
   * @return the exit code
   */
  int write(Supplier<ModelFiles> source, Path out, boolean verbose) {
    WriteOptions options = new WriteOptions(type, format, force);
    return new ModelWriting(spec, verbose)
        .run(source, files -> List.of(files.convert(out, options)));
  }
}
