package dev.tandem.client;

import dev.tandem.protocol.PrefixChain;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.List;

/** The rows of a first step that a server may already know. */
final class KnownPrompt {
  private KnownPrompt() {}

  /**
   * The hashes of the whole chunks that come before every requested row: those that the server need
   * not compute if it knows them.
   *
   * @param chain an empty one
   * @param in {@code [rows.count(), dModel]} from index 0
   * @param chunkRows C
   */
  static List<String> hashes(
      PrefixChain chain, StepRows rows, FloatBuffer in, int dModel, int chunkRows) {
    if (rows.position() > 0 || rows.kind() != RowKind.PROMPT) {
      return List.of();
    }
    int needed = rows.nOut() > 0 ? rows.outBegin() : rows.count();
    int chunks = Math.min(needed / chunkRows, PrefixChain.MAX_CHUNKS);
    int floats = chunkRows * dModel;
    for (int chunk = 0; chunk < chunks; chunk++) {
      chain.add(in.slice(chunk * floats, floats), dModel);
    }
    return chain.hashes();
  }
}
