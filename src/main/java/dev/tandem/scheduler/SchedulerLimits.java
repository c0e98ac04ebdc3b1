package dev.tandem.scheduler;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What the sequences of a model may use.
 *
 * @param maxSequences sequences at once
 * @param maxInFlight steps of a sequence at once
 * @param drainMillis how long {@link ModelScheduler#close} waits for sequences that are being
 *     stepped
 * @param kvBytes memory that may be reserved at once; empty: as much as the sequences need
 * @param queueTimeout how long an opening waits for room; zero: it is refused at once
 * @param idleTimeout after this time without a step, a sequence is closed if an opening waits for
 *     its room
 * @param prefixBytes memory for chunks of prompts, kept for other sequences, which counts as {@code
 *     kvBytes} do; 0: none
 */
public record SchedulerLimits(
    int maxSequences,
    int maxInFlight,
    long drainMillis,
    OptionalLong kvBytes,
    Duration queueTimeout,
    Duration idleTimeout,
    long prefixBytes) {
  private static final Duration FOR_EVER = Duration.ofSeconds(Long.MAX_VALUE);

  /** Limits of numbers only: what has no room is refused at once, and nothing is taken back. */
  public static SchedulerLimits of(int maxSequences, int maxInFlight, long drainMillis) {
    return new SchedulerLimits(
        maxSequences, maxInFlight, drainMillis, OptionalLong.empty(), Duration.ZERO, FOR_EVER, 0);
  }

  /** The same with a limit of memory. */
  public SchedulerLimits withKvBytes(OptionalLong value) {
    return new SchedulerLimits(
        maxSequences, maxInFlight, drainMillis, value, queueTimeout, idleTimeout, prefixBytes);
  }

  /** The same with another time to wait for room. */
  public SchedulerLimits withQueueTimeout(Duration value) {
    return new SchedulerLimits(
        maxSequences, maxInFlight, drainMillis, kvBytes, value, idleTimeout, prefixBytes);
  }

  /** The same with another time without a step. */
  public SchedulerLimits withIdleTimeout(Duration value) {
    return new SchedulerLimits(
        maxSequences, maxInFlight, drainMillis, kvBytes, queueTimeout, value, prefixBytes);
  }

  /** The same with other memory for chunks of prompts. */
  public SchedulerLimits withPrefixBytes(long value) {
    return new SchedulerLimits(
        maxSequences, maxInFlight, drainMillis, kvBytes, queueTimeout, idleTimeout, value);
  }

  /** Nanoseconds of a time, as far as they can be counted. */
  static long nanos(Duration time) {
    return time.compareTo(Duration.ofNanos(Long.MAX_VALUE)) < 0 ? time.toNanos() : Long.MAX_VALUE;
  }
}
