package dev.tandem.stage;

import java.io.IOException;
import java.nio.FloatBuffer;

/**
 * A {@link Span} of the chain <em>embed, layer 0 .. layer L-1, head</em>, running somewhere. One
 * thread at a time may use it, except for {@link #close}.
 */
public interface Stage extends AutoCloseable {

  /** The span that it computes, and the sizes of its rows. */
  StageSpec spec();

  /** The arithmetic of this stage's sequences: equal profiles give equal bits. */
  ArithmeticProfile profile();

  /**
   * Opens a sequence of up to {@code maxPositions} positions.
   *
   * @throws IOException if a remote stage cannot be reached or refuses
   */
  Sequence openSequence(int maxPositions) throws IOException;

  /**
   * Runs a ragged batch.
   *
   * @param in {@code [batch.totalRows(), dModel]} from the buffer's index 0; direct, native order
   * @param out {@code [batch.totalOut(), spec().outWidth()]} from the buffer's index 0; direct,
   *     native order; does not overlap {@code in}
   * @throws IOException if a remote stage cannot be reached or refuses
   * @throws IllegalArgumentException if a buffer is too small or not direct
   */
  void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException;

  /**
   * Whether it can lose sequences ({@link StageLostException}) and open others in their place, so
   * that its caller should keep what it needs to compute their rows again.
   */
  default boolean canBeLost() {
    return false;
  }

  /** Closes the stage and its resources; idempotent. */
  @Override
  void close();
}
