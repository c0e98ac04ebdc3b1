package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.decoding.ChainSequences;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.decoding.StageChain;
import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps of several sequences and rows give each row's logits to the bit, however it is cut. */
@SuppressWarnings("NullAway.Init") // set by the test
class StageChainTest {
  private static final int C = 16;
  private static final int N = 60;
  private static final int MAX_WANTED = N;

  private final int[][] ids = new int[3][];
  private EmbeddingTable embedding;
  private StageChain chain;

  /** Stages end at these layers; h stands for a head of its own. */
  @ParameterizedTest
  @ValueSource(strings = {"5", "2,5", "5,h", "2,5,h", "1,2,3,4,5,h"})
  void rowsDoNotDependOnTheirNeighbours(String cuts) throws Exception {
    EngineSettings settings = EngineSettings.defaults().withChunkRows(C);
    try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty());
        LocalChain model = new LocalChain(checkpoint, settings)) {
      embedding = EmbeddingTable.of(checkpoint);
      chain = new StageChain(stages(model, checkpoint.config().nLayers(), cuts));
      Random random = new Random(3);
      for (int i = 0; i < ids.length; i++) {
        ids[i] = random.ints(N, 0, checkpoint.config().vocabSize()).toArray();
      }
      int[] prompts = {5, 16, 40};
      List<float[][]> expected = new ArrayList<>();
      for (int i = 0; i < ids.length; i++) {
        expected.add(alone(i, prompts[i]));
      }
      List<ChainSequences> sequences = new ArrayList<>();
      for (int i = 0; i < ids.length; i++) {
        sequences.add(chain.open(N, MAX_WANTED));
      }
      // Prompts of three lengths, with the logits of one row, of some and of all of them.
      Rows rows = new Rows();
      rows.add(sequences.get(0), 0, 0, 5, RowKind.PROMPT, 4, 1);
      rows.add(sequences.get(1), 1, 0, 16, RowKind.PROMPT, 3, 7);
      rows.add(sequences.get(2), 2, 0, 40, RowKind.PROMPT, 0, 40);
      rows.runAndCompare(expected);
      // A draft of several rows, one row, and rows of which none is requested.
      rows = new Rows();
      rows.add(sequences.get(0), 0, 5, 6, RowKind.GENERATED, 0, 6);
      rows.add(sequences.get(1), 1, 16, 1, RowKind.GENERATED, 0, 1);
      rows.add(sequences.get(2), 2, 40, 3, RowKind.GENERATED, 0, 0);
      rows.runAndCompare(expected);
      // The draft's last rows were wrong: others take their place.
      rows = new Rows();
      rows.add(sequences.get(0), 0, 7, 2, RowKind.GENERATED, 1, 1);
      rows.add(sequences.get(2), 2, 43, 4, RowKind.GENERATED, 1, 3);
      rows.runAndCompare(expected);
      sequences.forEach(ChainSequences::close);
    }
  }

  private static List<Stage> stages(LocalChain model, int nLayers, String cuts) throws IOException {
    List<Stage> stages = new ArrayList<>();
    int begin = 0;
    List<String> ends = Arrays.asList(cuts.split(","));
    for (int i = 0; i < ends.size(); i++) {
      boolean last = i == ends.size() - 1;
      int end = ends.get(i).equals("h") ? nLayers : Integer.parseInt(ends.get(i));
      Span span = last ? Span.toLogits(begin, end) : Span.layers(begin, end);
      stages.add(model.stage(span));
      begin = end;
    }
    return stages;
  }

  /** The logits of every row of a sequence, with the rows behind the prompt one by one. */
  private float[][] alone(int sequence, int nPrompt) throws IOException {
    float[][] logits = new float[N][];
    try (ChainSequences alone = chain.open(N, MAX_WANTED)) {
      for (int at = 0; at < N; ) {
        int n = at == 0 ? nPrompt : 1;
        chain.clear();
        RowKind kind = at == 0 ? RowKind.PROMPT : RowKind.GENERATED;
        chain.add(alone, at, n, kind, at == 0, 0, n);
        FloatBuffer out = chain.run(embedded(sequence, at, n));
        for (int i = 0; i < n; i++) {
          logits[at + i] = new float[chain.vocabSize()];
          out.get(i * chain.vocabSize(), logits[at + i]);
        }
        at += n;
      }
    }
    return logits;
  }

  private FloatBuffer embedded(int sequence, int from, int n) throws IOException {
    FloatBuffer rows = direct(n * embedding.dModel());
    embedding.lookup(ids[sequence], from, from + n, from, rows, 0);
    return rows;
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(4 * floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /** A step's rows, and which rows of which sequence are requested. */
  private final class Rows {
    private final FloatBuffer hidden = direct(3 * N * embedding.dModel());
    private final List<int[]> requested = new ArrayList<>();
    private int nRows;

    Rows() {
      chain.clear();
    }

    void add(
        ChainSequences sequences,
        int sequence,
        int position,
        int count,
        RowKind kind,
        int outBegin,
        int nOut)
        throws IOException {
      embedding.lookup(
          ids[sequence], position, position + count, position, hidden, nRows * embedding.dModel());
      nRows += count;
      chain.add(sequences, position, count, kind, kind == RowKind.PROMPT, outBegin, nOut);
      for (int i = 0; i < nOut; i++) {
        requested.add(new int[] {sequence, position + outBegin + i});
      }
    }

    void runAndCompare(List<float[][]> expected) throws IOException {
      FloatBuffer logits = chain.run(hidden);
      List<float[]> want = new ArrayList<>();
      List<float[]> got = new ArrayList<>();
      for (int i = 0; i < requested.size(); i++) {
        want.add(expected.get(requested.get(i)[0])[requested.get(i)[1]]);
        float[] row = new float[chain.vocabSize()];
        logits.get(i * row.length, row);
        got.add(row);
      }
      assertThat(Bits.firstDifference(want, got)).isEmpty();
    }
  }
}
