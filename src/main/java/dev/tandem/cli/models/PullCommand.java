package dev.tandem.cli.models;

import dev.tandem.api.ModelException;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.EnvironmentDefaults;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.cli.terminal.Messages;
import dev.tandem.cli.terminal.Version;
import dev.tandem.files.Download;
import dev.tandem.files.Downloads;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem pull}: downloads a model. */
@Command(
    name = "pull",
    versionProvider = Version.class,
    optionListHeading = "Download:",
    description = {
      "Download a model from Hugging Face's hub, or one like it, and print where it is.",
      "An interrupted download continues where it stopped; every file is checked. Afterwards -c NAME"
          + " finds the model.",
      "HF_ENDPOINT is the address of another hub, HF_TOKEN a token for models that are not public;"
          + " TANDEM_CACHE is the directory of the models, by default ~/.cache/tandem."
    })
public final class PullCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "NAME",
      completionCandidates = ShortNames.class,
      description = "OWNER/REPOSITORY[/FILE][@REVISION], or one of ${COMPLETION-CANDIDATES}.")
  private String name = "";

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      description = "A branch, tag or commit of the repository. Default: main")
  private Optional<String> revision = Optional.empty();

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description =
          "The file of weights, if there are several, as in repositories of GGUF files. Default:"
              + " safetensors if there are such files")
  private Optional<String> file = Optional.empty();

  @Option(names = "--force", fallbackValue = "true", description = "Download again what is there.")
  private boolean force;

  @Option(
      names = "--list",
      fallbackValue = "true",
      description = "Show the pulled models: name, size, commit and directory.")
  private boolean list;

  @Mixin private GeneralMixin general;

  /** Completes the name. */
  static final class ShortNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Downloads.shortNames().iterator();
    }
  }

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() {
    Map<String, String> environment = EnvironmentDefaults.of(spec);
    Downloads downloads = Downloads.ofUser(environment, System.getProperty("user.home", ""));
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    if (list) {
      show(downloads.list(), console);
      return 0;
    }
    Download download = download(downloads);
    PullProgress progress =
        PullProgress.of(download.name(), spec.commandLine().getErr(), console, general.verbose);
    try (Interrupts interrupts = Interrupts.during(download::cancel);
        progress) {
      return run(download.listener(progress), progress, console);
    }
  }

  private int run(Download download, PullProgress progress, Console console) {
    try {
      Path place = download.run();
      progress.close();
      console.note(download.name() + " is ready: tandem generate -c " + download.name());
      console.println(place.toString());
      return 0;
    } catch (ModelException e) {
      if (!download.isCancelled()) {
        throw e;
      }
      progress.close();
      spec.commandLine().getErr().println(spec.qualifiedName() + ": " + Messages.of(e));
      spec.commandLine().getErr().flush();
      return Cli.INTERRUPTED;
    }
  }

  private Download download(Downloads downloads) {
    if (name.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "no model given; for example: tandem pull gpt2; or --list");
    }
    try {
      Download download = downloads.of(name).again(force);
      revision.ifPresent(download::revision);
      file.ifPresent(download::file);
      return download;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private static void show(List<Downloads.PulledModel> models, Console console) {
    int width = models.stream().mapToInt(model -> model.name().length()).max().orElse(0);
    for (Downloads.PulledModel model : models) {
      console.println(
          String.format(
              Locale.ROOT,
              "%-" + width + "s  %8s  %.12s  %s",
              model.name(),
              model.size(),
              model.commit(),
              model.path()));
    }
    if (models.isEmpty()) {
      console.note("no models yet; tandem pull gpt2 downloads one");
    }
  }
}
