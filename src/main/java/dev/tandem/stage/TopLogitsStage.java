package dev.tandem.stage;

import dev.tandem.sampling.TopLogits;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * A stage with the head that gives the best logits of a row in place of the whole row, which costs
 * more: a stage on a server. Its {@link #step} gives whole rows as any other stage's.
 */
public interface TopLogitsStage extends Stage {

  /**
   * Opens a sequence as {@link #openSequence(int)} does.
   *
   * @param temperatures those for which {@link TopLogits#logSum} is known; at most {@link
   *     TopLogits#MAX_TEMPERATURES}, each above 0
   * @throws IOException if a remote stage cannot be reached or refuses
   */
  Sequence openSequence(int maxPositions, List<Double> temperatures) throws IOException;

  /** The largest number of a sequence's output rows in one step. */
  int maxRows(Sequence sequence);

  /**
   * Runs a ragged batch.
   *
   * @param in as for {@link #step}
   * @return {@code [batch.totalOut()]} rows
   * @throws IOException if a remote stage cannot be reached or refuses
   * @throws IllegalArgumentException if {@code in} is too small or not direct
   */
  List<TopLogits> stepTop(Batch batch, FloatBuffer in) throws IOException;

  /**
   * A whole row of a sequence's last step.
   *
   * @param row index within the sequence's output rows of that step, of which there were at most
   *     {@link #maxRows}
   * @return {@code [vocabSize]} logits from index 0
   * @throws IOException if a remote stage cannot be reached or refuses
   * @throws IllegalStateException if the row is not there any more
   */
  FloatBuffer row(Sequence sequence, int row) throws IOException;
}
