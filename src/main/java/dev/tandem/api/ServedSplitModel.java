package dev.tandem.api;

import dev.tandem.client.Traffic;
import dev.tandem.runtime.SplitRuntime;

/** A {@link ServedModel} whose layers run partly on a server. */
final class ServedSplitModel extends ServedModel implements SplitModel {

  private final SplitRuntime split;

  ServedSplitModel(SplitRuntime runtime) {
    super(runtime);
    split = runtime;
  }

  @Override
  public String chain() {
    return split.chain();
  }

  @Override
  public WireStats wireStats() {
    Traffic traffic = runtime().traffic().orElseThrow();
    return new WireStats(
        traffic.roundTrips(), traffic.bytesSent(), traffic.bytesReceived(), traffic.fullRows());
  }
}
