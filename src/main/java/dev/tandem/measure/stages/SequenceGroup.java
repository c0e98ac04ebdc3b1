package dev.tandem.measure.stages;

import dev.tandem.decoding.ChainSequences;
import dev.tandem.decoding.StageChain;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Sequences of a whole model, cut into any stages, which step together and are timed. */
public final class SequenceGroup implements AutoCloseable {
  private final StageChain chain;
  private final List<ChainSequences> sequences = new ArrayList<>();

  /**
   * Opens sequences.
   *
   * @param size the number of sequences
   * @param capacity positions of each
   * @throws IOException if a remote stage refuses
   */
  public SequenceGroup(List<Stage> stages, int size, int capacity) throws IOException {
    chain = new StageChain(stages);
    try {
      for (int i = 0; i < size; i++) {
        sequences.add(chain.open(capacity));
      }
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  /** Allocates direct memory in this machine's byte order. */
  public static FloatBuffer direct(long floats) {
    return ByteBuffer.allocateDirect(Math.toIntExact(Float.BYTES * floats))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /**
   * Runs the rows of one prompt through one of the sequences, to the logits of the last row.
   *
   * @param rows {@code [nTok, dModel]}
   * @return nanoseconds
   */
  public long prompt(int sequence, FloatBuffer rows, int nTok) throws IOException {
    chain.clear();
    chain.add(sequences.get(sequence), 0, nTok, RowKind.PROMPT, true, nTok - 1, 1);
    return run(rows);
  }

  /**
   * Runs one generated row of each sequence, to its logits.
   *
   * @param rows {@code [size, dModel]}
   * @return nanoseconds
   */
  public long generated(int position, FloatBuffer rows) throws IOException {
    chain.clear();
    for (ChainSequences each : sequences) {
      chain.add(each, position, 1, RowKind.GENERATED, false, 0, 1);
    }
    return run(rows);
  }

  private long run(FloatBuffer rows) throws IOException {
    long begin = System.nanoTime();
    var unused = chain.run(rows);
    return System.nanoTime() - begin;
  }

  @Override
  public void close() {
    sequences.forEach(ChainSequences::close);
  }
}
