package dev.tandem.measure;

import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Sequences of a whole model, cut into any stages, which step together and are timed. */
public final class SequenceGroup implements AutoCloseable {
  private final List<Stage> stages;
  private final int size;

  /** {@code sequences.get(stage).get(i)}. */
  private final List<List<Sequence>> sequences = new ArrayList<>();

  private final Batch batch = new Batch();
  private final FloatBuffer logits;

  /**
   * Opens sequences.
   *
   * @param size the number of sequences
   * @param capacity positions of each
   * @throws IOException if a remote stage refuses
   */
  SequenceGroup(List<Stage> stages, int size, int capacity) throws IOException {
    this.stages = stages;
    this.size = size;
    logits = direct((long) size * stages.get(0).spec().vocabSize());
    try {
      for (Stage stage : stages) {
        List<Sequence> opened = new ArrayList<>();
        sequences.add(opened);
        for (int i = 0; i < size; i++) {
          opened.add(stage.openSequence(stage.spec().span().hasLayers() ? capacity : 1));
        }
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
  long prompt(int sequence, FloatBuffer rows, int nTok) throws IOException {
    return step(sequence, 1, 0, rows, nTok, RowKind.PROMPT);
  }

  /**
   * Runs one generated row of each sequence, to its logits.
   *
   * @param rows {@code [size, dModel]}
   * @return nanoseconds
   */
  long generated(int position, FloatBuffer rows) throws IOException {
    return step(0, size, position, rows, 1, RowKind.GENERATED);
  }

  /** Runs {@code nTok} rows of each of {@code count} sequences through all stages. */
  private long step(int first, int count, int position, FloatBuffer rows, int nTok, RowKind kind)
      throws IOException {
    int dModel = stages.get(0).spec().dModel();
    List<FloatBuffer> outputs = new ArrayList<>();
    for (Stage stage : stages) {
      outputs.add(stage.spec().span().hasHead() ? logits : direct((long) count * nTok * dModel));
    }
    FloatBuffer in = rows;
    long begin = System.nanoTime();
    for (int s = 0; s < stages.size(); s++) {
      Span span = stages.get(s).spec().span();
      boolean layersFollow = !span.hasHead() && stages.get(s + 1).spec().span().hasLayers();
      int nRows = span.hasLayers() ? nTok : 1;
      int nOut = layersFollow ? nRows : 1;
      int at =
          span.hasLayers() ? position : 0; // a head keeps no state, so its rows have no position
      batch.clear();
      for (int i = first; i < first + count; i++) {
        Sequence sequence = sequences.get(s).get(i);
        batch.add(sequence, at, nRows, kind, kind == RowKind.PROMPT, nRows - nOut, nOut);
      }
      stages.get(s).step(batch, in, outputs.get(s));
      in = outputs.get(s);
    }
    return System.nanoTime() - begin;
  }

  @Override
  public void close() {
    sequences.forEach(opened -> opened.forEach(Sequence::close));
  }
}
