package dev.tandem.cli.models;

import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.EnvironmentDefaults;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.cli.terminal.Messages;
import dev.tandem.cli.terminal.Version;
import dev.tandem.hub.HubAccess;
import dev.tandem.hub.Pull;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import dev.tandem.hub.cache.PulledModel;
import java.io.IOException;
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
      return HubModel.shortNames().iterator();
    }
  }

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() throws IOException {
    Map<String, String> environment = EnvironmentDefaults.of(spec);
    HubCache cache = HubCache.ofUser(environment, System.getProperty("user.home", ""));
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    if (list) {
      show(cache.list(), console);
      return 0;
    }
    HubModel model = model();
    HubAccess access = HubAccess.of(environment);
    PullProgress progress =
        PullProgress.of(model, spec.commandLine().getErr(), console, general.verbose);
    Pull pull = new Pull(access, cache, progress);
    try (Interrupts interrupts = Interrupts.during(pull::cancel);
        pull;
        progress) {
      return run(pull, model, progress, console);
    }
  }

  private int run(Pull pull, HubModel model, PullProgress progress, Console console)
      throws IOException {
    try {
      Path place = pull.run(model, force);
      progress.close();
      console.note(model + " is ready: tandem generate -c " + model);
      console.println(place.toString());
      return 0;
    } catch (HubException e) {
      if (!pull.isCancelled()) {
        throw e;
      }
      progress.close();
      spec.commandLine().getErr().println(spec.qualifiedName() + ": " + Messages.of(e));
      spec.commandLine().getErr().flush();
      return Cli.INTERRUPTED;
    }
  }

  private HubModel model() {
    if (name.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "no model given; for example: tandem pull gpt2; or --list");
    }
    try {
      HubModel model = HubModel.of(name);
      model = revision.isPresent() ? model.atRevision(revision.get()) : model;
      return file.isPresent() ? model.withFile(file.get()) : model;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private static void show(List<PulledModel> models, Console console) {
    int width = models.stream().mapToInt(model -> model.name().length()).max().orElse(0);
    for (PulledModel model : models) {
      console.println(
          String.format(
              Locale.ROOT,
              "%-" + width + "s  %8s  %.12s  %s",
              model.name(),
              HubCache.shown(model.bytes()),
              model.commit(),
              model.path()));
    }
    if (models.isEmpty()) {
      console.note("no models yet; tandem pull gpt2 downloads one");
    }
  }
}
