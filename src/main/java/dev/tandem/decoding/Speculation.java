package dev.tandem.decoding;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The drafts of one run: proposes them, and learns from what became of them. */
final class Speculation {
  private final @Nullable Drafter drafter;
  private final DraftLength length;
  private int nProposed;
  private int nCompared;
  private int nAccepted;
  private int last;
  private long lastNanos;

  /**
   * @param drafter begun for this run; null if nothing is drafted
   * @param drafting how long drafts may be
   */
  Speculation(@Nullable Drafter drafter, Drafting drafting) {
    this.drafter = drafter;
    length = new DraftLength(drafting.maxTokens(), drafting.adaptive());
  }

  /**
   * Writes guesses behind the ids of a sequence.
   *
   * @param room how many there may be
   * @return how many there are
   */
  int propose(TokenHistory history, int room) throws IOException {
    last = 0;
    if (drafter == null) {
      return 0;
    }
    int max = Math.min(length.next(), room);
    long start = System.nanoTime();
    last = max <= 0 ? 0 : drafter.propose(history.ids(), history.size(), max);
    lastNanos = System.nanoTime() - start;
    return last;
  }

  /**
   * The last draft was compared with the model's draws.
   *
   * @param accepted guesses that the model drew, too
   * @param stepNanos duration of the step that computed them; negative if something else took time
   */
  void compared(int accepted, long stepNanos) {
    if (drafter != null) {
      nProposed += last;
      nCompared += Math.min(accepted + 1, last);
      nAccepted += accepted;
      if (stepNanos >= 0) {
        length.stepDone(last, accepted, stepNanos, lastNanos);
      }
    }
  }

  /** Tokens that were proposed. */
  int proposed() {
    return nProposed;
  }

  /** Proposed tokens that were compared with a draw. */
  int compared() {
    return nCompared;
  }

  /** Proposed tokens that the model drew, too. */
  int accepted() {
    return nAccepted;
  }
}
