package dev.tandem.api;

import dev.tandem.client.Traffic;
import dev.tandem.runtime.SplitRuntime;

/** A {@link ServedModel} whose layers run partly on a server. */
final class ServedSplitModel extends ServedModel implements SplitModel {

  ServedSplitModel(SplitRuntime runtime) {
    super(runtime);
  }

  @Override
  public WireStats wireStats() {
    Traffic traffic = runtime().traffic().orElseThrow();
    return new WireStats(
        traffic.roundTrips(), traffic.bytesSent(), traffic.bytesReceived(), traffic.fullRows());
  }
}
