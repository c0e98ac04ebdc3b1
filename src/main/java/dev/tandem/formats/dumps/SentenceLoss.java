package dev.tandem.formats.dumps;

import dev.tandem.model.ModelConfig;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorRows;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How well a GPT-2 predicts a few tokens: plain sums in f32, each tensor read once. It only has to
 * tell a model from nonsense, before anything is known that an engine must know.
 */
final class SentenceLoss {
  private final ModelConfig config;
  private final Map<String, Tensor> tensors;
  private final int[] ids;

  private SentenceLoss(ModelConfig config, Map<String, Tensor> tensors, int[] ids) {
    this.config = config;
    this.tensors = tensors;
    this.ids = ids;
  }

  /**
   * The mean loss in nats per token: minus the logarithm of the probability of each token but the
   * first one, after those before it. Infinite if the model gives no numbers.
   *
   * @param config a GPT-2's
   * @param tensors by canonical name
   * @param ids at least two, at most as many as the model has positions, all in its vocabulary
   * @throws IOException if the file cannot be read
   */
  static double of(ModelConfig config, Map<String, Tensor> tensors, int[] ids) throws IOException {
    return new SentenceLoss(config, tensors, ids).run();
  }

  private double run() throws IOException {
    float[][] x = embedded();
    for (int layer = 0; layer < config.nLayers(); layer++) {
      String block = "blk." + layer + ".";
      float[][] qkv = linear(block + "attn_qkv", normed(block + "attn_norm", x));
      add(x, linear(block + "attn_output", attended(qkv)));
      float[][] up = linear(block + "ffn_up", normed(block + "ffn_norm", x));
      activate(up);
      add(x, linear(block + "ffn_down", up));
    }
    float[][] logits = product(tensor(TensorPlan.TOKEN_EMBEDDING), normed("output_norm", x));
    double loss = 0;
    for (int t = 0; t + 1 < ids.length; t++) {
      loss += loss(logits[t], ids[t + 1]);
    }
    double mean = loss / (ids.length - 1);
    return Double.isFinite(mean) ? mean : Double.POSITIVE_INFINITY;
  }

  private Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return tensor;
  }

  private float[][] embedded() throws IOException {
    int width = config.dModel();
    float[][] x = new float[ids.length][width];
    float[] position = new float[width];
    for (int t = 0; t < ids.length; t++) {
      tensor(TensorPlan.TOKEN_EMBEDDING).read((long) ids[t] * width, width, x[t], 0);
      tensor(TensorPlan.POSITION_EMBEDDING).read((long) t * width, width, position, 0);
      for (int i = 0; i < width; i++) {
        x[t][i] += position[i];
      }
    }
    return x;
  }

  private float[] vector(String name) throws IOException {
    Tensor tensor = tensor(name);
    float[] values = new float[Math.toIntExact(tensor.cols())];
    tensor.read(0, values.length, values, 0);
    return values;
  }

  private float[][] normed(String name, float[][] x) throws IOException {
    float[] gain = vector(name + ".weight");
    float[] bias = vector(name + ".bias");
    float[][] y = new float[x.length][gain.length];
    for (int t = 0; t < x.length; t++) {
      double mean = 0;
      for (float value : x[t]) {
        mean += value / gain.length;
      }
      double variance = 0;
      for (float value : x[t]) {
        variance += (value - mean) * (value - mean) / gain.length;
      }
      double scale = 1 / Math.sqrt(variance + config.normEps());
      for (int i = 0; i < gain.length; i++) {
        y[t][i] = (float) ((x[t][i] - mean) * scale) * gain[i] + bias[i];
      }
    }
    return y;
  }

  private float[][] linear(String name, float[][] x) throws IOException {
    float[][] y = product(tensor(name + ".weight"), x);
    float[] bias = vector(name + ".bias");
    for (float[] row : y) {
      for (int i = 0; i < bias.length; i++) {
        row[i] += bias[i];
      }
    }
    return y;
  }

  /** Each row of {@code x}, {@code [cols]}, by each row of the matrix: {@code [rows]}. */
  private static float[][] product(Tensor matrix, float[][] x) throws IOException {
    int cols = Math.toIntExact(matrix.cols());
    float[][] y = new float[x.length][Math.toIntExact(matrix.rows())];
    int[] done = {0};
    TensorRows.forEach(
        matrix,
        (values, rows) -> {
          int first = done[0];
          IntStream.range(0, rows)
              .parallel()
              .forEach(
                  row -> {
                    for (int t = 0; t < x.length; t++) {
                      y[t][first + row] = dot(values, row * cols, x[t]);
                    }
                  });
          done[0] += rows;
        });
    return y;
  }

  private static float dot(float[] values, int at, float[] x) {
    float sum0 = 0;
    float sum1 = 0;
    float sum2 = 0;
    float sum3 = 0;
    int i = 0;
    for (; i + 3 < x.length; i += 4) { // independent sums: they do not wait for each other
      sum0 += values[at + i] * x[i];
      sum1 += values[at + i + 1] * x[i + 1];
      sum2 += values[at + i + 2] * x[i + 2];
      sum3 += values[at + i + 3] * x[i + 3];
    }
    for (; i < x.length; i++) {
      sum0 += values[at + i] * x[i];
    }
    return sum0 + sum1 + sum2 + sum3;
  }

  /** Causal attention over {@code [n, 3 * dModel]}: queries, keys, values. */
  private float[][] attended(float[][] qkv) {
    int width = config.dModel();
    int headDim = config.headDim();
    float[][] y = new float[qkv.length][width];
    double[] weights = new double[qkv.length];
    for (int head = 0; head < config.nHeads(); head++) {
      int at = head * headDim;
      for (int t = 0; t < qkv.length; t++) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int s = 0; s <= t; s++) {
          double score = 0;
          for (int i = at; i < at + headDim; i++) {
            score += (double) qkv[t][i] * qkv[s][width + i];
          }
          weights[s] = score / Math.sqrt(headDim);
          largest = Math.max(largest, weights[s]);
        }
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          weights[s] = Math.exp(weights[s] - largest);
          sum += weights[s];
        }
        for (int s = 0; s <= t; s++) {
          float weight = (float) (weights[s] / sum);
          for (int i = at; i < at + headDim; i++) {
            y[t][i] += weight * qkv[s][2 * width + i];
          }
        }
      }
    }
    return y;
  }

  /** GELU in its tanh form; the erf form differs from it by less than matters here. */
  private static void activate(float[][] x) {
    for (float[] row : x) {
      for (int i = 0; i < row.length; i++) {
        double value = row[i];
        double inner = Math.sqrt(2 / Math.PI) * (value + 0.044715 * value * value * value);
        row[i] = (float) (0.5 * value * (1 + Math.tanh(inner)));
      }
    }
  }

  private static void add(float[][] x, float[][] y) {
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        x[t][i] += y[t][i];
      }
    }
  }

  private static double loss(float[] logits, int id) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    return Math.log(sum) + largest - logits[id];
  }
}
