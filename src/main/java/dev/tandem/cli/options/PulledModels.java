package dev.tandem.cli.options;

import dev.tandem.cli.terminal.EnvironmentDefaults;
import dev.tandem.cli.terminal.Messages;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Where a command's environment says that pulled models are. */
final class PulledModels {
  private PulledModels() {}

  static Path directory(CommandSpec spec) {
    Map<String, String> environment = EnvironmentDefaults.of(spec);
    try {
      return HubCache.directoryOfUser(environment, System.getProperty("user.home", ""));
    } catch (HubException e) {
      throw new ParameterException(spec.commandLine(), Messages.oneLine(e), e);
    }
  }
}
