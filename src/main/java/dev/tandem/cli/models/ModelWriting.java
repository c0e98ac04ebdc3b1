package dev.tandem.cli.models;

import dev.tandem.api.ModelException;
import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.files.ModelFiles;
import dev.tandem.files.ModelOutput;
import dev.tandem.settings.InvalidSettingException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
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

  /**
   * Writes a model or parts of it.
   *
   * @param planning nothing is written before all outputs are known to be possible
   * @return the exit code
   */
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  int run(Supplier<ModelFiles> source, Function<ModelFiles, List<ModelOutput>> planning) {
    AtomicBoolean interrupted = new AtomicBoolean();
    try (Interrupts interrupts = Interrupts.during(() -> interrupted.set(true));
        ModelFiles files = source.get()) {
      files.notes().forEach(console::warn);
      List<ModelOutput> outputs = plan(planning, files);
      files.tokenizer().ifPresent(tokenizer -> tokenizer.notes().forEach(console::warn));
      outputs.stream().flatMap(output -> output.notes().stream()).distinct().forEach(console::note);
      for (ModelOutput output : outputs) {
        if (verbose) {
          output.tensors().forEach(choice -> console.note(line(choice)));
        }
        write(output, interrupted);
        console.note(summary(output));
      }
      return 0;
    } catch (ModelException e) {
      if (!(interrupted.get() && e.getCause() instanceof InterruptedIOException)) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
  }

  private List<ModelOutput> plan(
      Function<ModelFiles, List<ModelOutput>> planning, ModelFiles files) {
    try {
      return planning.apply(files);
    } catch (InvalidSettingException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    } catch (ModelException e) {
      if (e.getCause() instanceof FileAlreadyExistsException) {
        throw new ModelException(e.getMessage() + "; --force replaces it", null);
      }
      throw e;
    }
  }

  private void write(ModelOutput output, AtomicBoolean interrupted) {
    PrintWriter err = spec.commandLine().getErr();
    boolean terminal = Console.isTerminal(Console.STDERR);
    String task = String.valueOf(output.path().getFileName());
    try (ConvertProgress progress = new ConvertProgress(task, err, terminal, interrupted::get)) {
      output.write(progress);
    }
  }

  private static String line(ModelOutput.Choice choice) {
    String reason = choice.reason().isEmpty() ? "" : " (" + choice.reason() + ")";
    return String.format(
        Locale.ROOT,
        "%-28s [%d, %d]  %s -> %s%s",
        choice.source().name(),
        choice.source().rows(),
        choice.source().cols(),
        choice.source().type(),
        choice.type(),
        reason);
  }

  private static String summary(ModelOutput output) {
    Map<String, Long> counts =
        output.tensors().stream()
            .collect(
                Collectors.groupingBy(
                    ModelOutput.Choice::type, TreeMap::new, Collectors.counting()));
    String types =
        counts.entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        "%s: %d tensors (%s), %,d B",
        output.path(),
        output.tensors().size(),
        types,
        output.bytes());
  }
}
