package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.client.RemoteModel;
import dev.tandem.client.ServerConnection;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server says how long its layers take, before any client has used it. */
@Timeout(60)
class ServerPaceTest {

  @Test
  void layersAreMeasuredWhenTheServerStarts() throws Exception {
    EngineSettings settings = SplitExactnessTest.settings(16, false, 1, "");
    try (Checkpoint checkpoint = SplitExactnessTest.open("gpt2-shakespeare");
        HostedModel server = SplitExactnessTest.start(checkpoint, settings);
        ServerConnection connection =
            ServerConnection.connect(URI.create(server.uri()), ConnectionOptions.defaults())) {
      RemoteModel model = connection.models().get(0);
      assertThat(model.layerMillis()).isPresent();
      assertThat(model.layerMillis().orElseThrow()).isPositive();
      assertThat(server.activeSequences()).isZero();
    }
  }
}
