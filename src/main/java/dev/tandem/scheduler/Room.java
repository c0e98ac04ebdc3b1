package dev.tandem.scheduler;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the sequences of a model may take together, and take. Whoever holds the engine changes it;
 * any thread may ask.
 */
final class Room {
  private static final double MIB = 1 << 20;

  private final int maxSequences;
  private final long maxBytes;
  private final AtomicInteger sequences = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  /** What is missing for something; neither is below 0. */
  record Need(int sequences, long bytes) {
    boolean isNothing() {
      return sequences == 0 && bytes == 0;
    }
  }

  Room(SchedulerLimits limits) {
    maxSequences = limits.maxSequences();
    maxBytes = limits.kvBytes().orElse(Long.MAX_VALUE);
  }

  int sequences() {
    return sequences.get();
  }

  long bytes() {
    return bytes.get();
  }

  long maxBytes() {
    return maxBytes;
  }

  /** What another sequence of that size lacks. */
  Need missingFor(long sequenceBytes) {
    return new Need(
        Math.max(0, sequences.get() + 1 - maxSequences),
        Math.max(0, sequenceBytes - (maxBytes - bytes.get())));
  }

  /** Whether something of that size fits that is no sequence. */
  boolean hasBytes(long wanted) {
    return wanted <= maxBytes - bytes.get();
  }

  /** Takes room for something that is no sequence; a negative number gives it back. */
  void takeBytes(long taken) {
    bytes.addAndGet(taken);
  }

  void take(long sequenceBytes) {
    sequences.incrementAndGet();
    bytes.addAndGet(sequenceBytes);
  }

  void giveBack(long sequenceBytes) {
    sequences.decrementAndGet();
    bytes.addAndGet(-sequenceBytes);
  }

  /** What is in use, in words. */
  String inWords() {
    String counted =
        sequences.get() < maxSequences
            ? sequences + " of " + maxSequences + " sequences are in use"
            : "all " + maxSequences + " sequences are in use";
    return maxBytes == Long.MAX_VALUE
        ? counted
        : counted + ", and " + mib(bytes.get()) + " of " + mib(maxBytes) + " of KV cache";
  }

  static String mib(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / MIB);
  }
}
