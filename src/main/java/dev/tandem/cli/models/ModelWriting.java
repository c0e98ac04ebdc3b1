package dev.tandem.cli.models;

import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.convert.Conversion;
import dev.tandem.model.Checkpoint;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The common code of commands that write models: notes, a progress bar, Ctrl-C, a summary. */
final class ModelWriting {
  private final CommandSpec spec;
  private final boolean verbose;
  private final Console console;

  /**
   * @param verbose whether each tensor's type is listed
   */
  ModelWriting(CommandSpec spec, boolean verbose) {
    this.spec = spec;
    this.verbose = verbose;
    console = new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), verbose);
  }

  /** Opens the model to write. */
  interface Source {
    Checkpoint open() throws IOException;
  }

  /** Plans the outputs; nothing is written before all of them are known to be possible. */
  interface Planning {
    List<Conversion> of(Checkpoint checkpoint) throws IOException;
  }

  /**
   * Writes a model or parts of it.
   *
   * @return the exit code
   */
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  int run(Source source, Planning planning) throws IOException {
    AtomicBoolean interrupted = new AtomicBoolean();
    try (Interrupts interrupts = Interrupts.during(() -> interrupted.set(true));
        Checkpoint checkpoint = source.open()) {
      checkpoint.notes().forEach(console::warn);
      Set<String> notes = new LinkedHashSet<>();
      List<Conversion> conversions = plan(planning, checkpoint);
      if (checkpoint.part().embedding()) {
        checkpoint.tokenizer().notes().forEach(console::warn);
      }
      conversions.forEach(conversion -> notes.addAll(conversion.notes()));
      notes.forEach(console::note);
      for (Conversion conversion : conversions) {
        if (verbose) {
          conversion.plan().choices().forEach(choice -> console.note(line(choice)));
        }
        write(conversion, interrupted);
        console.note(summary(conversion));
      }
      return 0;
    } catch (InterruptedIOException e) {
      if (!interrupted.get()) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
  }

  private List<Conversion> plan(Planning planning, Checkpoint checkpoint) throws IOException {
    try {
      List<Conversion> conversions = planning.of(checkpoint);
      Conversion.checkSpace(conversions);
      return conversions;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    } catch (FileAlreadyExistsException e) {
      throw new IOException(e.getFile() + " exists already; --force replaces it", e);
    }
  }

  private void write(Conversion conversion, AtomicBoolean interrupted) throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    boolean terminal = Console.isTerminal(Console.STDERR);
    String task = String.valueOf(conversion.out().getFileName());
    try (ConvertProgress progress = new ConvertProgress(task, err, terminal, interrupted::get)) {
      conversion.run(new WritingProgress(progress));
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

  private static String summary(Conversion conversion) {
    Map<String, Long> counts =
        conversion.plan().choices().stream()
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
        Locale.ROOT,
        "%s: %d tensors (%s), %,d B",
        conversion.out(),
        conversion.plan().choices().size(),
        types,
        conversion.plan().bytes());
  }
}
