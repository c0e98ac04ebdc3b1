package dev.tandem.hosting;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.Hosting;
import dev.tandem.settings.EngineSettings;
import java.io.IOException;

/** The service that starts servers in this process. */
public final class ServerHosting implements Hosting {

  /** For the service loader. */
  public ServerHosting() {}

  @Override
  public Hosted start(Checkpoint checkpoint, EngineSettings settings, ServerOptions options)
      throws IOException {
    return HostedModel.start(checkpoint, settings, options);
  }
}
