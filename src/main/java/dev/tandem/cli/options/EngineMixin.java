package dev.tandem.cli.options;

import dev.tandem.api.EngineBuilder;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.WeightType;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options of the arithmetic. */
@Command(optionListHeading = "Engine:")
public final class EngineMixin {
  private static final int MAX_THREADS = 128; // the core has no more

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads that compute; 0 for all cores. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description =
          "The type to convert the model's matrices to when it is loaded: f32, f16, bf16, q8_0 or"
              + " q4_0, as convert does. Default: the model's own types")
  private Optional<WeightType> type = Optional.empty();

  @Mixin private ArithmeticMixin arithmetic;

  /** The settings; a usage error if one is out of range. */
  public EngineSettings settings() {
    if (threads < 0 || threads > MAX_THREADS) {
      throw Usage.wrong(spec, "--threads", "must be in 0.." + MAX_THREADS, threads);
    }
    return arithmetic.settings(threads);
  }

  /**
   * A builder with what was given here.
   *
   * @param settings of the arithmetic
   * @param progress follows the conversion that was asked for
   */
  public <B extends EngineBuilder<B>> B apply(
      B builder, EngineSettings settings, LoadListener progress) {
    type.ifPresent(given -> builder.type(given));
    return builder.settings(settings).progress(progress);
  }

  /** What a bar of that conversion is about. */
  public static String task(WeightType type) {
    return "to " + type.name().toLowerCase(Locale.ROOT);
  }

  /** Shows the conversion that was asked for; ends it once the user pressed Ctrl-C. */
  public ConvertProgress progress(BooleanSupplier interrupted) {
    return progress("", interrupted);
  }

  /**
   * As {@link #progress(BooleanSupplier)}.
   *
   * @param other what the bar is about if no conversion was asked for
   */
  public ConvertProgress progress(String other, BooleanSupplier interrupted) {
    return new ConvertProgress(
        type.map(EngineMixin::task).orElse(other),
        spec.commandLine().getErr(),
        Console.isTerminal(Console.STDERR),
        interrupted);
  }

  /** The types that the model's matrices are converted to, if this was asked for. */
  public Optional<WeightType> type() {
    return type;
  }
}
