package dev.tandem.decoding;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A model made of integer arithmetic: every value depends on the ids, on their positions and on all
 * rows before, so that a wrong row, order or position changes what follows. Exact in f32.
 */
record ToyModel(int nLayers, int vocabSize, int maxSeq) {
  static final int D_MODEL = 3;
  private static final long MODULUS = 65_521;

  Embedder embedder() {
    return (ids, from, to, position, out) -> {
      for (int i = from; i < to; i++) {
        out.put((i - from) * D_MODEL, embed(ids[i], position + i - from));
      }
    };
  }

  private static float[] embed(int id, int position) {
    return new float[] {id, position, mix(id, position, 5)};
  }

  /** The block's state after a row; {@code state} is that after the row before, 0 at first. */
  static long nextState(long state, float[] row, int layer) {
    return (state * 31 + mix((long) row[0], (long) row[1], (long) row[2] + layer)) % MODULUS;
  }

  /** The block's output row, given its state after the input row. */
  static float[] block(long state, float[] row, int layer) {
    return new float[] {
      mix((long) row[0], state, layer), mix((long) row[1], state, 7), mix((long) row[2], state, 11)
    };
  }

  void head(float[] row, FloatBuffer out, int offset) {
    for (int id = 0; id < vocabSize; id++) {
      out.put(offset + id, mix((long) row[0] + id, (long) row[1], (long) row[2]) / 6_000f);
    }
  }

  private static long mix(long a, long b, long c) {
    long x = (a * 40_503 + b * 30_011 + c * 7_919 + 12_345) % MODULUS;
    return x * x % MODULUS;
  }

  /** The logits after the whole sequence, computed from nothing. */
  float[] logits(List<Integer> ids) {
    List<float[]> rows = new ArrayList<>();
    for (int position = 0; position < ids.size(); position++) {
      rows.add(embed(ids.get(position), position));
    }
    for (int layer = 0; layer < nLayers; layer++) {
      long state = 0;
      for (int position = 0; position < rows.size(); position++) {
        state = nextState(state, rows.get(position), layer);
        rows.set(position, block(state, rows.get(position), layer));
      }
    }
    FloatBuffer logits = FloatBuffer.allocate(vocabSize);
    head(rows.get(rows.size() - 1), logits, 0);
    return logits.array();
  }
}
