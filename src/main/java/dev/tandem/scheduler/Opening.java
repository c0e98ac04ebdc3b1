package dev.tandem.scheduler;

import dev.tandem.stage.Span;
import java.util.concurrent.CompletableFuture;

/**
 * A sequence that is to be opened.
 *
 * @param maxPositions positions to reserve
 * @param result gets the sequence, or a {@link ScheduleException}
 * @param sinceNanos when it was asked for
 * @param bytes memory that it needs
 */
record Opening(
    Lane lane,
    Span span,
    int maxPositions,
    CompletableFuture<ScheduledSequence> result,
    long sinceNanos,
    long bytes) {

  Opening withBytes(long value) {
    return new Opening(lane, span, maxPositions, result, sinceNanos, value);
  }

  void refuse(ScheduleException cause) {
    result.completeExceptionally(cause);
  }
}
