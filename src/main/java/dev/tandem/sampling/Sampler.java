package dev.tandem.sampling;

import java.nio.FloatBuffer;

/**
 * Draws the tokens of one sequence. A sampler counts the tokens so far, which the penalties need,
 * so each sequence has its own. One thread may use it at a time. Drawing and accepting allocate
 * nothing.
 */
public interface Sampler {

  /** What {@link #sample} returns when every logit is NaN or negative infinity. */
  int NO_TOKEN = -1;

  /** What {@link #decide} returns when the best logits leave the draw open. */
  int UNDECIDED = -2;

  /**
   * Draws a token.
   *
   * @param logits {@code [vocabSize]} f32 from index {@code offset}; direct or not; not modified,
   *     and neither are its position and limit
   * @param offset index of the logit of id 0
   * @param position index in the sequence of the token being drawn (the number of tokens before
   *     it), at least 0
   * @return an id in {@code [0, vocabSize)}, or {@link #NO_TOKEN}
   * @throws IndexOutOfBoundsException if the buffer holds fewer than {@code vocabSize} logits there
   */
  int sample(FloatBuffer logits, int offset, int position);

  /**
   * Draws from the best logits of a row, if they settle it: docs/sampling.md, "From the best logits
   * only". Nothing is counted, so {@link #sample} can draw from the whole row afterwards.
   *
   * @param top the best logits of the row; ids of {@code [0, vocabSize)} are in it
   * @param position as for {@link #sample}
   * @return the id that {@link #sample} draws from the whole row, or {@link #UNDECIDED}
   */
  default int decide(TopLogits top, int position) {
    return UNDECIDED;
  }

  /**
   * Counts a token of the prompt.
   *
   * @throws IndexOutOfBoundsException if the id is not in {@code [0, vocabSize)}
   */
  void acceptPrompt(int id);

  /**
   * Counts a generated token.
   *
   * @throws IndexOutOfBoundsException if the id is not in {@code [0, vocabSize)}
   */
  void accept(int id);

  /**
   * Undoes one {@link #accept} of this id, for a token that is withdrawn.
   *
   * @throws IllegalStateException if no {@link #accept} of this id is left to undo
   */
  void forget(int id);
}
