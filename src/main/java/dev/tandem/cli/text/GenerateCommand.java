package dev.tandem.cli.text;

import dev.tandem.api.ModelBuilder;
import dev.tandem.api.Tandem;
import dev.tandem.api.TandemException;
import dev.tandem.api.TextModel;
import dev.tandem.cli.generation.GenerationMixin;
import dev.tandem.cli.generation.GenerationRun;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.options.DraftMixin;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.options.TextModelMixin;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.cli.terminal.Version;
import dev.tandem.settings.EngineSettings;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code tandem generate}: a whole model, here. */
@Command(
    name = "generate",
    versionProvider = Version.class,
    description = "Continue a text with a model that runs here.")
public final class GenerateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private TextModelMixin model;
  @Mixin private GenerationMixin generation;
  @Mixin private DraftMixin draft;
  @Mixin private EngineMixin engine;
  @Mixin private BackendMixin backend;
  @Mixin private GeneralMixin general;

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() throws IOException {
    EngineSettings settings = backend.apply(engine.settings());
    ModelBuilder builder = Tandem.model(model.source());
    draft.draft().ifPresent(builder::draft);
    String text = generation.checkedPrompt();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    GenerationRun run = new GenerationRun(generation, console);
    try (Interrupts interrupts = Interrupts.during(run::interrupt);
        ConvertProgress progress = engine.progress(run::interrupted);
        TextModel opened = engine.apply(builder, settings, progress).open()) {
      progress.close();
      opened.notes().forEach(console::warn);
      return run.run(opened, text, Map::of);
    } catch (TandemException e) {
      if (!run.interrupted()) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
  }
}
