package dev.tandem.cli.measure;

import dev.tandem.cli.models.WritingProgress;
import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.Models;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.WeightType;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;

/** Opens the models that are measured. */
final class OpenModels {
  private OpenModels() {}

  /** Opens a model's files, and notes what was assumed. */
  static Checkpoint open(ModelSource source, Console console) throws IOException {
    Checkpoint checkpoint = Models.open(source, LoadListener.NONE);
    checkpoint.notes().forEach(console::warn);
    return checkpoint;
  }

  /**
   * The model converted to a type, with a bar on a terminal. Ctrl-C simply ends the process.
   *
   * @param model closed with the result, and if this fails
   */
  static Checkpoint converted(Checkpoint model, Optional<WeightType> type, CommandSpec spec)
      throws IOException {
    if (type.isEmpty()) {
      return model;
    }
    try (ConvertProgress progress =
        new ConvertProgress(
            EngineMixin.task(type.get()),
            spec.commandLine().getErr(),
            Console.isTerminal(Console.STDERR),
            () -> false)) {
      return ConvertedModels.convert(
          model, DType.valueOf(type.get().name()), new WritingProgress(progress));
    }
  }
}
