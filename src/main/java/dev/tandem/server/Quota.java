package dev.tandem.server;

/** How many of something there are, and may be. Only the event loop uses it. */
final class Quota {
  private final int max;
  private int used;

  Quota(int max) {
    this.max = max;
  }

  int max() {
    return max;
  }

  boolean isFull() {
    return used >= max;
  }

  boolean isUnused() {
    return used == 0;
  }

  /** Counts one more; the caller has asked {@link #isFull}. */
  void take() {
    used++;
  }

  void giveBack() {
    used--;
  }
}
