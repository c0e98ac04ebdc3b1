package dev.tandem.measure;

import dev.tandem.api.ModelException;
import dev.tandem.decoding.ChainSequences;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.decoding.StageChain;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.BackendChoice;
import dev.tandem.runtime.LocalModel;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Measures how well a model predicts a text: the exponential of the mean loss. The loss of a token
 * is minus the natural logarithm of the probability that the model gave to it.
 *
 * <p>Windows of the text run as prompts, each from an empty context, with nothing put before them.
 * A token is scored in the first window in which a token stands before it. So the first window
 * scores all its positions but the first, and a later window scores the positions that no earlier
 * window holds. The last window may be shorter.
 */
public final class Perplexity {
  private final Options options;
  private final int[] ids;
  private final StageChain chain;
  private final EmbeddingTable embedding;
  private final int vocabSize;
  private final int frameRows;
  private final FloatBuffer hidden;
  private FloatBuffer logits;

  /**
   * The way to cut the text into windows.
   *
   * @param window tokens of a window, at least 2
   * @param stride tokens from the beginning of one window to the next; at most a window
   */
  public record Options(int window, int stride) {

    /** Checks the ranges. */
    public Options {
      if (window < 2) {
        throw new InvalidSettingException("window", "must be at least 2", window);
      }
      if (stride < 1 || stride > window) {
        throw new InvalidSettingException(
            "stride", "must be in 1.." + window + " (the window)", stride);
      }
    }
  }

  /**
   * The result of a measurement.
   *
   * @param windows windows run
   * @param scored tokens scored
   * @param meanLoss nats per scored token
   */
  public record Result(int windows, int scored, double meanLoss) {

    /** The exponential of the mean loss. */
    public double perplexity() {
      return Math.exp(meanLoss);
    }
  }

  private Perplexity(Stage stage, EmbeddingTable embedding, int[] ids, Options options) {
    this.chain = new StageChain(List.of(stage));
    this.embedding = embedding;
    this.ids = ids;
    this.options = options;
    vocabSize = chain.vocabSize();
    frameRows = Math.min(stage.profile().chunkRows(), options.window());
    int hiddenBytes = bytes(frameRows, embedding.dModel());
    hidden = ByteBuffer.allocateDirect(hiddenBytes).order(ByteOrder.nativeOrder()).asFloatBuffer();
    var unused = bytes(frameRows, vocabSize); // the chain will need them
    logits = chain.logits();
  }

  /**
   * Measures a model on a text.
   *
   * @param ids the text's tokens, at least two
   * @param soFar receives the result after every window
   * @throws IllegalArgumentException if there are too few tokens, one is not in the model's
   *     vocabulary, or the window exceeds the model's context
   * @throws ModelException if the model's files cannot be read, or hold weights that overflow, or
   *     the named backend cannot be loaded
   */
  public static Result measure(
      MeasuredModel model,
      EngineSettings settings,
      int[] ids,
      Options options,
      Consumer<Result> soFar) {
    return model.measure(checkpoint -> measure(checkpoint, settings, ids, options, soFar));
  }

  /** What a user should know of what computes with these settings here; one line each. */
  public static List<String> notes(EngineSettings settings) {
    try {
      return BackendChoice.of(settings).notes();
    } catch (LinkageError e) {
      throw new ModelException(e);
    }
  }

  static Result measure(
      Checkpoint checkpoint,
      EngineSettings settings,
      int[] ids,
      Options options,
      Consumer<Result> soFar)
      throws IOException {
    int maxSeq = checkpoint.config().maxSeq();
    if (options.window() > maxSeq) {
      throw new InvalidSettingException(
          "window", "must be at most " + maxSeq + ", the model's context", options.window());
    }
    if (ids.length < 2) {
      throw new IllegalArgumentException(
          "a text must have at least two tokens to be scored, got " + ids.length);
    }
    int vocabSize = checkpoint.config().vocabSize();
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) { // the last one has no lookup that checks it
        throw new IllegalArgumentException("token id " + id + " is not in 0.." + (vocabSize - 1));
      }
    }
    try (LocalModel model = LocalModel.open(checkpoint, settings);
        Stage stage = model.openStage(Span.whole(checkpoint.config().nLayers()))) {
      return new Perplexity(stage, EmbeddingTable.of(checkpoint), ids, options).run(soFar);
    }
  }

  private Result run(Consumer<Result> soFar) throws IOException {
    try (ChainSequences sequence = chain.open(options.window(), frameRows)) {
      return run(sequence, soFar);
    }
  }

  private Result run(ChainSequences sequence, Consumer<Result> soFar) throws IOException {
    Result result = new Result(0, 0, 0);
    double loss = 0;
    int seen = 0;
    for (int begin = 0; seen < ids.length; begin += options.stride()) {
      int end = Math.min(begin + options.window(), ids.length);
      int first = Math.max(seen, begin + 1);
      if (first < end) {
        loss += windowLoss(sequence, begin, first, end);
        int scored = result.scored() + end - first;
        result = new Result(result.windows() + 1, scored, loss / scored);
        soFar.accept(result);
      }
      seen = end;
    }
    return result;
  }

  /**
   * The sum of the losses of the tokens from {@code first} on, in the window from {@code begin}.
   */
  private double windowLoss(ChainSequences sequence, int begin, int first, int end)
      throws IOException {
    double loss = 0;
    int last = end - 1; // the last row predicts nothing
    for (int from = begin; from < last; from += frameRows) {
      int to = Math.min(from + frameRows, last);
      int outBegin = Math.min(Math.max(first - 1, from), to); // row i predicts token i + 1
      embedding.lookup(ids, from, to, from - begin, hidden, 0);
      chain.clear();
      chain.add(
          sequence,
          from - begin,
          to - from,
          RowKind.PROMPT,
          to == last,
          outBegin - from,
          to - outBegin);
      logits = chain.run(hidden);
      loss += rowsLoss(outBegin, to);
    }
    return loss;
  }

  /** The sum of the losses of tokens {@code from + 1 .. to}, whose logits are ready. */
  private double rowsLoss(int from, int to) throws IOException {
    double[] losses =
        IntStream.range(0, to - from)
            .parallel()
            .mapToDouble(row -> loss(row, ids[from + row + 1]))
            .toArray();
    double sum = 0; // in order: the bits must not depend on the threads
    for (int row = 0; row < losses.length; row++) {
      if (!Double.isFinite(losses[row])) {
        throw new IOException(
            "the model's logits for token " + (from + row + 1) + " of the text are not numbers");
      }
      sum += losses[row];
    }
    return sum;
  }

  /** Minus the logarithm of the softmax, in f64. */
  private double loss(int row, int id) {
    int at = row * vocabSize;
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabSize; i++) {
      largest = Math.max(largest, logits.get(at + i));
    }
    double sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      sum += Math.exp((double) logits.get(at + i) - largest);
    }
    return Math.log(sum) + largest - logits.get(at + id);
  }

  /** Bytes of f32 rows, if one buffer can hold them. */
  private static int bytes(int rows, int cols) {
    long bytes = (long) rows * cols * Float.BYTES;
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "chunk must be smaller: " + rows + " rows of " + cols + " exceed 2 GiB");
    }
    return (int) bytes;
  }
}
