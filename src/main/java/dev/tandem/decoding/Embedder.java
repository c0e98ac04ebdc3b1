package dev.tandem.decoding;

import java.io.IOException;
import java.nio.FloatBuffer;

/** The first link of a model's chain: turns ids into hidden rows. */
@FunctionalInterface
public interface Embedder {

  /**
   * Writes the rows of {@code ids[from .. to-1]}, the first of which is at {@code position}.
   *
   * @param ids token ids, each in the model's vocabulary
   * @param from index of the first id to embed
   * @param to one past the index of the last
   * @param position index in the sequence of {@code ids[from]}; decides position embeddings
   * @param out {@code [to - from, dModel]} f32 from the buffer's index 0; direct; its position and
   *     limit do not change
   * @throws IOException if the embedding cannot be read
   */
  void embed(int[] ids, int from, int to, int position, FloatBuffer out) throws IOException;
}
