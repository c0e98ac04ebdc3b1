package dev.tandem.cli;

import dev.tandem.api.EngineSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the arithmetic is done. */
@Command(optionListHeading = "Engine:")
final class EngineMixin {
  private static final int MAX_THREADS = 128; // the core has no more

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads that compute; 0 for all cores. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Mixin private ArithmeticMixin arithmetic;

  EngineSettings settings() {
    if (threads < 0 || threads > MAX_THREADS) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be in 0.." + MAX_THREADS + ", got " + threads);
    }
    return arithmetic.settings(threads);
  }
}
