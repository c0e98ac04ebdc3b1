package dev.tandem.decoding;

import dev.tandem.stage.RowKind;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * One sequence of the generation loop's chain of stages, with each step at the caller's command.
 */
public final class ChainSteps implements AutoCloseable {
  private final StageChain chain;
  private final Embedder embedder;
  private final ChainSequences sequences;

  /**
   * Opens a sequence in every stage.
   *
   * @param stages a whole model, cut anywhere; they stay the caller's
   * @param capacity positions of the sequence at most
   * @throws IOException if a remote stage refuses
   */
  public ChainSteps(List<Stage> stages, Embedder embedder, int capacity) throws IOException {
    chain = new StageChain(stages);
    this.embedder = embedder;
    sequences = chain.open(capacity);
  }

  /**
   * Computes {@code ids[0 .. nTok-1]} as a prompt, whatever the sequence held before.
   *
   * @return the last row's logits, {@code [vocabSize]} f32; overwritten by the next step
   */
  public FloatBuffer prompt(int[] ids, int nTok) throws IOException {
    int to;
    for (int from = 0; from < nTok; from = to) {
      to = Math.min(from + chain.frameRows(), nTok);
      chain.step(sequences, embedder, ids, from, to, RowKind.PROMPT, to == nTok ? 1 : 0);
    }
    return chain.logits();
  }

  /**
   * Computes the generated row {@code ids[pos]}; the sequence is cut back to {@code pos} first.
   *
   * @param pos at most the sequence's length
   * @return the row's logits, {@code [vocabSize]} f32; overwritten by the next step
   */
  public FloatBuffer generated(int[] ids, int pos) throws IOException {
    chain.step(sequences, embedder, ids, pos, pos + 1, RowKind.GENERATED, 1);
    return chain.logits();
  }

  @Override
  public void close() {
    sequences.close();
  }
}
