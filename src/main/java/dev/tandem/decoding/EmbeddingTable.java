package dev.tandem.decoding;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.tensor.RowReader;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Objects;
import java.util.Optional;

/**
 * The model's first step: token ids to rows of the residual stream. The sum of token and position
 * embedding is one f32 addition of the stored values. Safe for use by many threads, one at a time.
 * A lookup allocates nothing if the tensors are in a file or in memory.
 */
public final class EmbeddingTable {
  private final ModelConfig config;
  private final RowReader tokens; // [vocabSize, dModel]
  private final Optional<RowReader> positions; // [maxSeq, dModel], GPT-2
  private final float[] row;
  private final float[] position;

  private EmbeddingTable(ModelConfig config, RowReader tokens, Optional<RowReader> positions) {
    this.config = config;
    this.tokens = tokens;
    this.positions = positions;
    row = new float[config.dModel()];
    position = new float[config.dModel()];
  }

  /** The embeddings of a checkpoint, which must stay open. */
  public static EmbeddingTable of(Checkpoint checkpoint) {
    ModelConfig config = checkpoint.config();
    RowReader tokens = rows(checkpoint.tensor("token_embd.weight"), config.vocabSize(), config);
    if (!config.hasPositionEmbedding()) {
      return new EmbeddingTable(config, tokens, Optional.empty());
    }
    RowReader positions = rows(checkpoint.tensor("position_embd.weight"), config.maxSeq(), config);
    return new EmbeddingTable(config, tokens, Optional.of(positions));
  }

  private static RowReader rows(Tensor tensor, int rows, ModelConfig config) {
    if (tensor.transposed() || tensor.rows() != rows || tensor.cols() != config.dModel()) {
      throw new IllegalArgumentException(
          tensor.name() + " is not stored as [" + rows + ", " + config.dModel() + "]");
    }
    return new RowReader(tensor);
  }

  /** Floats in a row. */
  public int dModel() {
    return config.dModel();
  }

  /**
   * Writes the rows of {@code ids[from .. to)} at positions {@code firstPosition ..}.
   *
   * @param out {@code [to - from, dModel]} f32 from index {@code outIndex} on; its position and
   *     limit do not change
   * @throws IllegalArgumentException if an id is not in the vocabulary or a position not in the
   *     model's context; {@code out} is then unchanged
   * @throws IndexOutOfBoundsException if a range is exceeded
   * @throws IOException if the file cannot be read or is shorter than when it was opened
   */
  public synchronized void lookup(
      int[] ids, int from, int to, int firstPosition, FloatBuffer out, int outIndex)
      throws IOException {
    Objects.checkFromToIndex(from, to, ids.length);
    int n = to - from;
    int width = config.dModel();
    Objects.checkFromIndexSize(outIndex, Math.multiplyExact((long) n, width), (long) out.limit());
    if (firstPosition < 0 || firstPosition > config.maxSeq() - n) {
      throw new IllegalArgumentException(
          "positions " + firstPosition + "+" + n + " are not within " + config.maxSeq());
    }
    for (int i = from; i < to; i++) {
      if (ids[i] < 0 || ids[i] >= config.vocabSize()) {
        throw new IllegalArgumentException(
            "token id " + ids[i] + " is not in 0.." + (config.vocabSize() - 1));
      }
    }
    for (int i = 0; i < n; i++) {
      tokens.read(ids[from + i], row);
      if (positions.isPresent()) {
        positions.get().read(firstPosition + i, position);
        for (int c = 0; c < width; c++) {
          row[c] += position[c];
        }
      }
      out.put(outIndex + i * width, row);
    }
  }
}
