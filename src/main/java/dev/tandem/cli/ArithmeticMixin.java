package dev.tandem.cli;

import dev.tandem.api.EngineSettings;
import dev.tandem.stage.ActivationEval;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What decides the bits. */
final class ArithmeticMixin {
  private static final int MAX_CHUNK = 4096;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--gelu",
      paramLabel = "table|formula",
      description =
          "How the model's activation is evaluated. Default: table for GELU, formula for SiLU")
  private Optional<ActivationEval> gelu = Optional.empty();

  @Option(names = "--reproducible", description = "The same bits on every CPU; slower prompts.")
  private boolean reproducible;

  @Option(
      names = "--chunk",
      paramLabel = "C",
      defaultValue = "0",
      description = "Prompt rows computed together. Default: 256, or as the server has it")
  private int chunk;

  EngineSettings settings(int threads) {
    if (chunk < 0 || chunk > MAX_CHUNK) {
      throw new ParameterException(
          spec.commandLine(), "--chunk must be in 0.." + MAX_CHUNK + ", got " + chunk);
    }
    return new EngineSettings(threads, "", gelu, reproducible, chunk);
  }
}
