package dev.tandem.decoding;

import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Computes the rows of one sequence again in a single stage, as they were computed before: prompts
 * in the same chunks, generated rows many at once. The other stages compute nothing.
 *
 * <p>The first stage's rows are embedded again. A later stage that can be lost has its input rows
 * kept here.
 */
final class StageReplay {
  private final Embedder embedder;
  private final TokenHistory history;
  private final RowRuns runs;
  private final Map<Integer, KeptRows> kept = new HashMap<>();
  private final Batch batch = new Batch();
  private FloatBuffer in = direct(0);
  private final FloatBuffer nothing = direct(0);
  private int count;

  /**
   * @param embedder makes the first stage's rows
   * @param history the sequence's ids
   * @param runs how its rows were computed
   */
  StageReplay(Embedder embedder, TokenHistory history, RowRuns runs) {
    this.embedder = embedder;
    this.history = history;
    this.runs = runs;
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(floats, Float.BYTES))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** How often a stage was lost and given its rows again. */
  int count() {
    return count;
  }

  /** Whether a stage's rows can be computed again. */
  boolean covers(Stage stage, int index) {
    return index == 0 || stage.canBeLost();
  }

  /**
   * Keeps rows that go into a stage, if they will be needed.
   *
   * @param index the stage's place in the chain
   * @param rows the stage's input, from row {@code inRow} on
   */
  void keep(Stage stage, int index, int position, int n, FloatBuffer rows, int inRow) {
    if (index > 0 && stage.canBeLost() && stage.spec().span().hasLayers()) {
      kept.computeIfAbsent(index, i -> new KeptRows(stage.spec().dModel()))
          .put(position, n, rows, inRow);
    }
  }

  /**
   * Computes the rows before a position.
   *
   * @param index the stage's place in the chain
   * @param sequence a new one of the stage
   * @param frameRows prompt rows of a step, a multiple of C
   */
  void replay(Stage stage, int index, Sequence sequence, int end, int frameRows)
      throws IOException {
    count++;
    if (!stage.spec().span().hasLayers()) {
      return; // it keeps no state
    }
    // A prompt is computed as a whole, because its chunks' bits can depend on their numbers of
    // rows; what is beyond the position will be replaced.
    for (int run = 0; run < runs.size() && runs.begin(run) < end; run++) {
      boolean prompt = runs.kind(run) == RowKind.PROMPT;
      int last = prompt ? runs.end(run) : Math.min(runs.end(run), end);
      for (int from = runs.begin(run); from < last; ) {
        int to = Math.min(prompt ? from - from % frameRows + frameRows : from + frameRows, last);
        read(index, from, to, stage.spec().dModel());
        batch.clear();
        boolean ends = prompt && runs.isComplete(run) && to == last;
        batch.add(sequence, from, to - from, runs.kind(run), ends, 0, 0);
        stage.step(batch, in, nothing);
        from = to;
      }
    }
    batch.clear();
  }

  private void read(int index, int from, int to, int dModel) throws IOException {
    int floats = Math.multiplyExact(to - from, dModel);
    if (in.capacity() < floats) {
      in = direct(floats);
    }
    KeptRows rows = kept.get(index);
    if (rows == null) {
      embedder.embed(history.ids(), from, to, from, in);
    } else {
      rows.get(from, to, in);
    }
  }
}
