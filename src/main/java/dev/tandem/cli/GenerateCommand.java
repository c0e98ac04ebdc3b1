package dev.tandem.cli;

import dev.tandem.api.EngineSettings;
import dev.tandem.api.TextModel;
import dev.tandem.api.WholeModel;
import dev.tandem.generation.GenerationException;
import dev.tandem.weights.Checkpoint;
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
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Continue a text with a model that runs here.")
final class GenerateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelMixin model;
  @Mixin private PromptMixin prompt;
  @Mixin private EngineMixin engine;

  @Override
  public Integer call() throws IOException, GenerationException {
    long start = System.nanoTime();
    EngineSettings settings = engine.settings();
    prompt.request(new int[0]); // reports wrong options before a model is opened
    String text = prompt.text();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), engine.verbose);
    try (Checkpoint checkpoint = model.open();
        TextModel opened = WholeModel.open(checkpoint, settings)) {
      return new GenerationRun(prompt, console, start).run(opened, text, Map::of);
    }
  }
}
