package dev.tandem.hosting;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.Hosting;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.Optional;

/** The service that starts servers in this process. */
public final class ServerHosting implements Hosting {

  /** For the service loader. */
  public ServerHosting() {}

  @Override
  public Hosted start(
      Checkpoint files, Optional<Span> layers, EngineSettings settings, ServerOptions options)
      throws IOException {
    return layers.isEmpty()
        ? HostedModel.start(files, settings, options)
        : HostedModel.start(files, layers.get(), settings, options);
  }
}
