package dev.tandem.api;

import dev.tandem.runtime.SplitRuntime;

/** A {@link ServedModel} whose layers run partly on a server. */
final class ServedSplitModel extends ServedModel implements SplitModel {

  ServedSplitModel(SplitRuntime runtime) {
    super(runtime);
  }

  @Override
  public WireStats wireStats() {
    dev.tandem.client.WireStats stats = runtime().wireStats().orElseThrow();
    return new WireStats(stats.roundTrips(), stats.bytesSent(), stats.bytesReceived());
  }
}
