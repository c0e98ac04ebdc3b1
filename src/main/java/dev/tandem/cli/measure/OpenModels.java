package dev.tandem.cli.measure;

import dev.tandem.cli.models.ShapeMixin;
import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.measure.MeasuredModel;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.WeightType;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Opens the models that are measured; a conversion is shown by a bar on a terminal. Ctrl-C simply
 * ends the process.
 */
final class OpenModels {
  private OpenModels() {}

  /** A model's files, or random weights if a shape is given; notes what was assumed. */
  static MeasuredModel open(
      CommandSpec spec, ShapeMixin shape, ModelSource source, Optional<WeightType> type) {
    if (!shape.isGiven()) {
      return open(spec, source, type);
    }
    String name = shape.name();
    try (ConvertProgress progress = progress(spec, type)) {
      return MeasuredModel.random(name, type, progress);
    }
  }

  /** A model's files; notes what was assumed. */
  static MeasuredModel open(CommandSpec spec, ModelSource source, Optional<WeightType> type) {
    MeasuredModel model;
    try (ConvertProgress progress = progress(spec, type)) {
      model = MeasuredModel.open(type.map(source::withType).orElse(source), progress);
    }
    model.notes().forEach(Console.of(spec)::warn);
    return model;
  }

  private static ConvertProgress progress(CommandSpec spec, Optional<WeightType> type) {
    return new ConvertProgress(
        type.map(EngineMixin::task).orElse(""),
        spec.commandLine().getErr(),
        Console.isTerminal(Console.STDERR),
        () -> false);
  }
}
