package dev.tandem.cli;

import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Version;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem completion}: a script that completes commands and options in a shell. */
@Command(
    name = "completion",
    versionProvider = Version.class,
    description = {
      "Print a completion script.",
      "bash: source <(tandem completion bash)",
      "zsh: autoload -U bashcompinit && bashcompinit && source <(tandem completion zsh)"
    })
final class CompletionCommand implements Callable<Integer> {

  /** Shells whose scripts picocli writes; one script serves both. */
  enum Shell {
    BASH,
    ZSH
  }

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "bash|zsh", description = "The shell.")
  Shell shell = Shell.BASH;

  @Mixin GeneralMixin general;

  @Override
  public Integer call() {
    spec.commandLine().getOut().print(AutoComplete.bash(Main.NAME, spec.root().commandLine()));
    spec.commandLine().getOut().flush();
    return 0;
  }
}
