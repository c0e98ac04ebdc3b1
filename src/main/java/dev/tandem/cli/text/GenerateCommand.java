package dev.tandem.cli.text;

import dev.tandem.api.EngineSettings;
import dev.tandem.api.TextModel;
import dev.tandem.api.WholeModel;
import dev.tandem.cli.generation.GenerationMixin;
import dev.tandem.cli.generation.GenerationRun;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.options.TextModelMixin;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.cli.terminal.Version;
import dev.tandem.generation.GenerationException;
import dev.tandem.model.Checkpoint;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
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
  @Mixin private EngineMixin engine;
  @Mixin private BackendMixin backend;
  @Mixin private GeneralMixin general;

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() throws IOException, GenerationException {
    long start = System.nanoTime();
    EngineSettings settings = backend.apply(engine.settings());
    String text = generation.checkedPrompt();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    AtomicBoolean interrupted = new AtomicBoolean();
    try (Interrupts interrupts = Interrupts.during(() -> interrupted.set(true));
        Checkpoint checkpoint = engine.converted(model.open(console), interrupted::get);
        TextModel opened = WholeModel.open(checkpoint, settings)) {
      opened.notes().forEach(console::warn);
      return new GenerationRun(generation, console, start, interrupted::get)
          .run(opened, text, Map::of);
    } catch (InterruptedIOException e) {
      if (!interrupted.get()) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
  }
}
