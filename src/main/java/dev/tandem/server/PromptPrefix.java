package dev.tandem.server;

import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.PrefixChain;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The whole chunks of prompt rows that a sequence begins with, by the hashes of what its client
 * sent. The scheduler gets them as keys: the client's scope, the stage and the hash, so that a
 * client finds the chunks of its own scope only. Only the event loop uses it.
 */
final class PromptPrefix {
  private final String scope;
  private final int chunkRows;
  private final PrefixChain chain;

  /**
   * Chunks that the client claims to begin with; {@link #restored} says how many are known.
   *
   * @param scope whose chunks are found
   * @param chain an empty one
   */
  PromptPrefix(String scope, int chunkRows, PrefixChain chain, List<String> claimed) {
    this.scope = scope + " " + chain.seed() + " ";
    this.chunkRows = chunkRows;
    this.chain = chain;
    chain.addAll(claimed);
  }

  /** The keys of the chunks. */
  List<String> keys() {
    return chain.hashes().stream().map(scope::concat).toList();
  }

  /** The sequence begins with that many rows of the claimed ones. */
  void restored(int rows) {
    chain.truncate(rows / chunkRows);
  }

  /**
   * The rows of a step come next.
   *
   * @param rows their bytes
   * @return the keys of all chunks, if these rows are the next one; otherwise empty
   */
  List<String> follow(FrameHeader step, ByteBuffer rows) {
    int before = step.position() / chunkRows;
    chain.truncate(before);
    boolean isNext =
        !step.generated()
            && step.rows() == chunkRows
            && step.position() % chunkRows == 0
            && before == chain.size();
    if (!isNext) {
      return List.of();
    }
    chain.add(rows);
    return keys();
  }
}
