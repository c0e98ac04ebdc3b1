package dev.tandem.cli;

import dev.tandem.api.EngineSettings;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.ArithmeticProfile;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the arithmetic is done. */
final class EngineMixin {
  private static final int MAX_THREADS = 1024;
  private static final int MAX_CHUNK = 4096;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads that compute; 0 for all cores. Default: ${DEFAULT-VALUE}")
  int threads;

  @Option(
      names = "--gelu",
      paramLabel = "table|formula",
      description =
          "How the model's activation is evaluated. Default: table for GELU, formula for SiLU")
  Optional<ActivationEval> gelu;

  @Option(
      names = "--reproducible",
      description = "The same bits on every CPU; slower prompts.")
  boolean reproducible;

  @Option(
      names = "--chunk",
      paramLabel = "C",
      defaultValue = "" + ArithmeticProfile.DEFAULT_CHUNK_ROWS,
      description = "Prompt rows computed together. Default: ${DEFAULT-VALUE}")
  int chunk;

  @Option(
      names = "--verbose",
      description = "Notes on standard error; stack traces with errors.")
  boolean verbose;

  EngineSettings settings() {
    if (threads < 0 || threads > MAX_THREADS) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be in 0.." + MAX_THREADS + ", got " + threads);
    }
    if (chunk < 1 || chunk > MAX_CHUNK) {
      throw new ParameterException(
          spec.commandLine(), "--chunk must be in 1.." + MAX_CHUNK + ", got " + chunk);
    }
    return new EngineSettings(threads, "", gelu, reproducible, chunk);
  }
}
