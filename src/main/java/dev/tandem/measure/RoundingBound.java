package dev.tandem.measure;

import dev.tandem.decoding.ChainSequences;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.decoding.StageChain;
import dev.tandem.engine.StageOptions;
import dev.tandem.measure.stages.SequenceGroup;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.plain.PlainModel;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The largest difference of two backends' logits that rounding in different orders can explain.
 *
 * <p>A sum of k products computed in any order is wrong by at most k u times the sum of their
 * magnitudes, u = 2^-24, and, since errors have random signs, by about sqrt(k) u times that; for
 * terms of random signs that is k u times the size of the sum itself. A layer's contribution to the
 * residual stream has passed through sums of K terms in all, {@link #termsOfLayer}, so it is wrong
 * by about K u times its own size. The part of this error that reaches the logits is measured, not
 * estimated, on the same model and text: all rows run layer by layer, and after each layer random
 * errors of that size are added. Let D be the largest change of a logit in {@link #RUNS} such runs,
 * and let h = dModel u times the logits' size be the head's own rounding. Then a backend's logits
 * are within e = 4 (D + h) of the exact ones; the factor 4 is a margin for errors that happen to
 * add up.
 *
 * <p>Let one backend choose a and another b, with logits l and m. Then l_a >= l_b, m_b >= m_a and
 * |l - m| <= 2 e, so l_a - l_b <= (m_a + 2 e) - (m_b - 2 e) <= 4 e, and so is m_b - m_a.
 *
 * <p>Kernels that round activations before they multiply have larger errors: rounding to bfloat16
 * changes each by 2^-9, counted as 2^-8 of each product. Rounding to 8 bits with a scale for 32
 * elements changes each by at most 1/254 of the largest, which is less than sqrt(32) times their
 * size: 1/45. A KV cache of 8 bits rounds keys and values in the same way, a KV cache of f16 by
 * 2^-11 of each.
 */
final class RoundingBound {
  private static final int RUNS = 5;
  private static final long SEED = 1;
  private static final double UNIT = 0x1p-24;
  private static final double BF16 = 0x1p-8;
  private static final double F16 = 0x1p-11;
  private static final double INT8 = 1 / 45.0;

  /** The linear layers between a layer's input and its contribution: qkv, output, up, down. */
  private static final int PRODUCTS = 4;

  private static final double MARGIN = 4;
  private static final double GAPS = 4;

  private RoundingBound() {}

  /**
   * The largest gap between the logits of two tokens that rounding can explain, if two backends
   * chose them after these ids.
   *
   * @param ids the sequence up to the row whose logits differ
   * @throws IOException if the model cannot be read
   */
  static double ofGap(Checkpoint checkpoint, StageOptions options, int threads, int[] ids)
      throws IOException {
    Random random = new Random(SEED);
    try (PlainModel model = new PlainModel(checkpoint, threads);
        Opened opened = new Opened(checkpoint, model, options.activationEval())) {
      double kernels = Math.max(products(checkpoint), cache(options.kvType()));
      float[] exact = opened.logits(ids, 0, random);
      double change = 0;
      for (int run = 0; run < RUNS; run++) {
        float[] moved = opened.logits(ids, layerError(checkpoint, kernels, ids.length), random);
        for (int i = 0; i < exact.length; i++) {
          change = Math.max(change, Math.abs((double) moved[i] - exact[i]));
        }
      }
      double head = (checkpoint.config().dModel() * UNIT + products(checkpoint)) * size(exact);
      return GAPS * MARGIN * (change + head);
    }
  }

  /** The error relative to the size of a layer's contribution. */
  private static double layerError(Checkpoint checkpoint, double kernels, int positions) {
    return termsOfLayer(checkpoint.config(), positions) * UNIT + PRODUCTS * kernels;
  }

  /** K: norm, qkv, scores, values, output; norm, up, down. */
  private static double termsOfLayer(ModelConfig c, int positions) {
    double attention = 2.0 * c.dModel() + c.headDim() + positions + c.nHeads() * c.headDim();
    return attention + 2.0 * c.dModel() + c.dFf();
  }

  /** The error of keeping keys and values in that type, relative to each. */
  private static double cache(KvType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> F16;
      case Q8_0 -> INT8;
    };
  }

  /** The error of kernels that round activations, relative to each product. */
  private static double products(Checkpoint checkpoint) {
    double error = 0;
    for (var tensor : checkpoint.tensors().values()) {
      boolean matrix = tensor.rows() > 1 && !tensor.name().startsWith("position_embd");
      if (matrix && tensor.dtype().isQuantized()) {
        error = Math.max(error, INT8);
      } else if (matrix && tensor.dtype() == DType.BF16) {
        error = Math.max(error, BF16);
      }
    }
    return error;
  }

  private static double size(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares / values.length);
  }

  /** A model cut behind every layer, with random errors there. */
  private static final class Opened implements AutoCloseable {
    private final EmbeddingTable embedding;
    private final List<Stage> stages = new ArrayList<>();

    Opened(Checkpoint checkpoint, PlainModel model, ActivationEval eval) throws IOException {
      embedding = EmbeddingTable.of(checkpoint);
      int nLayers = checkpoint.config().nLayers();
      int chunk = ArithmeticProfile.DEFAULT_CHUNK_ROWS;
      for (int layer = 0; layer < nLayers; layer++) {
        stages.add(model.openStage(Span.layers(layer, layer + 1), eval, chunk));
      }
      stages.add(model.openStage(Span.head(nLayers), eval, chunk));
    }

    /** The last row's logits, with random errors of that relative size after each layer. */
    float[] logits(int[] ids, double error, Random random) throws IOException {
      List<Stage> disturbed = new ArrayList<>();
      for (Stage stage : stages) {
        boolean layer = stage.spec().span().hasLayers() && error > 0;
        disturbed.add(layer ? new DisturbedStage(stage, error, random) : stage);
      }
      StageChain chain = new StageChain(disturbed);
      FloatBuffer rows = SequenceGroup.direct((long) ids.length * embedding.dModel());
      embedding.lookup(ids, 0, ids.length, 0, rows, 0);
      try (ChainSequences sequence = chain.open(ids.length)) {
        chain.clear();
        chain.add(sequence, 0, ids.length, RowKind.PROMPT, true, ids.length - 1, 1);
        float[] values = new float[chain.vocabSize()];
        chain.run(rows).get(0, values);
        return values;
      }
    }

    @Override
    public void close() {
      stages.forEach(Stage::close);
    }
  }
}
