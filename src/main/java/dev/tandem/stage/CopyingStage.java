package dev.tandem.stage;

/** A stage that can copy what a sequence keeps of its positions into another sequence. */
public interface CopyingStage extends Stage {
  /** Both first positions of a copy are multiples of this. */
  int COPY_MULTIPLE = 16;

  /** Bytes of memory that a sequence of that many positions needs. */
  long stateBytes(int positions);

  /**
   * Copies positions of one sequence into another, which then ends behind them. What was copied to
   * another position stays that of its first one: it can be kept there and copied back, but no step
   * can use it.
   *
   * @param from a sequence of this stage
   * @param fromPosition the first position to copy, a multiple of {@link #COPY_MULTIPLE}
   * @param to another sequence of this stage
   * @param toPosition where it goes, a multiple of {@link #COPY_MULTIPLE}, at most the length of
   *     {@code to}
   * @param count positions, within the length of {@code from} and the capacity of {@code to}
   * @throws RuntimeException if the positions are not there, or do not fit; nothing is changed
   */
  void copy(Sequence from, int fromPosition, Sequence to, int toPosition, int count);
}
