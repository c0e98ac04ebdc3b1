package dev.tandem.scheduler;

import dev.tandem.stage.Span;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A sequence that is to be opened.
 *
 * @param maxPositions positions to reserve
 * @param prefix the keys of the whole chunks that its prompt begins with
 * @param result gets the sequence, or a {@link ScheduleException}
 * @param sinceNanos when it was asked for
 * @param bytes memory that it needs
 */
record Opening(
    Lane lane,
    Span span,
    int maxPositions,
    List<String> prefix,
    CompletableFuture<ScheduledSequence> result,
    long sinceNanos,
    long bytes) {

  Opening withBytes(long value) {
    return new Opening(lane, span, maxPositions, prefix, result, sinceNanos, value);
  }

  void refuse(ScheduleException cause) {
    result.completeExceptionally(cause);
  }
}
