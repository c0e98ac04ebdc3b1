package dev.tandem.cli;

import dev.tandem.api.Conversion;
import dev.tandem.api.ConversionOptions;
import dev.tandem.weights.Checkpoint;
import dev.tandem.weights.ModelWriters;
import dev.tandem.weights.TypePlan;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem convert}: a model in another format or type. */
@Command(
    name = "convert",
    versionProvider = Version.class,
    optionListHeading = "Conversion:",
    description = {
      "Write a model in another format or type.",
      "The file appears under its name when it is complete. --verbose lists each tensor's type."
    })
final class ConvertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A file, a directory, a built-in or a pulled model.")
  private String in;

  @Parameters(index = "1", paramLabel = "OUT", description = "What to write, such as model.gguf.")
  private Path out;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description =
          "What the matrices become: f32, f16, bf16, q8_0 or q4_0. Vectors are always f32; where"
              + " rows are not whole blocks of 32, f16. Default: each tensor's own type")
  private Optional<OutputType> type = Optional.empty();

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      completionCandidates = Formats.class,
      description = "${COMPLETION-CANDIDATES}. Default: what OUT's name says")
  private Optional<String> format = Optional.empty();

  @Option(names = "--force", fallbackValue = "true", description = "Replace OUT if it is there.")
  private boolean force;

  @Mixin private TokenizerOptionMixin tokenizer;
  @Mixin private ConfigMixin config;
  @Mixin private GeneralMixin general;

  /** Completes {@code --format}. */
  static final class Formats implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ModelWriters.formats().iterator();
    }
  }

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() throws IOException {
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    AtomicBoolean interrupted = new AtomicBoolean();
    try (Interrupts interrupts = Interrupts.during(() -> interrupted.set(true));
        Checkpoint checkpoint =
            ModelNames.open(in, config.options(tokenizer.given()), EnvironmentDefaults.of(spec))) {
      checkpoint.notes().forEach(console::note);
      Conversion conversion = plan(checkpoint);
      conversion.notes().forEach(console::note);
      if (general.verbose) {
        conversion.plan().choices().forEach(choice -> console.note(line(choice)));
      }
      run(conversion, interrupted);
      console.note(summary(conversion.plan()));
      return 0;
    } catch (InterruptedIOException e) {
      if (!interrupted.get()) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
  }

  private Conversion plan(Checkpoint checkpoint) throws IOException {
    try {
      return Conversion.of(
          checkpoint, out, new ConversionOptions(type.map(OutputType::dtype), format, force));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    } catch (FileAlreadyExistsException e) {
      throw new IOException(e.getFile() + " is there already; --force replaces it", e);
    }
  }

  private void run(Conversion conversion, AtomicBoolean interrupted) throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    boolean terminal = Console.isTerminal(Console.STDERR);
    String task = String.valueOf(out.getFileName());
    try (ConvertProgress progress = new ConvertProgress(task, err, terminal, interrupted::get)) {
      conversion.run(progress);
    }
  }

  private static String line(TypePlan.Choice choice) {
    String reason = choice.reason().isEmpty() ? "" : " (" + choice.reason() + ")";
    return String.format(
        Locale.ROOT,
        "%-28s [%d, %d]  %s -> %s%s",
        choice.tensor().name(),
        choice.tensor().rows(),
        choice.tensor().cols(),
        choice.tensor().dtype().name().toLowerCase(Locale.ROOT),
        choice.type().name().toLowerCase(Locale.ROOT),
        reason);
  }

  private String summary(TypePlan plan) {
    Map<String, Long> counts =
        plan.choices().stream()
            .collect(
                Collectors.groupingBy(
                    choice -> choice.type().name().toLowerCase(Locale.ROOT),
                    TreeMap::new,
                    Collectors.counting()));
    String types =
        counts.entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT, "%s: %d tensors (%s), %,d B", out, plan.choices().size(), types, plan.bytes());
  }
}
