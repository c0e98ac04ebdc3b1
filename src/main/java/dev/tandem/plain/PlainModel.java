package dev.tandem.plain;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.RopePairing;
import dev.tandem.model.Tables;
import dev.tandem.settings.ActivationEval;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.Span;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A checkpoint whose stages are computed in plain Java. Stages share their weights, which are
 * expanded to f32 on the Java heap when a stage first needs them.
 */
public final class PlainModel implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final Workers workers;
  private final Map<String, Matrix> matrices = new HashMap<>();
  private Optional<Tables.Rope> rope = Optional.empty();

  /**
   * Prepares a model; reads no weights yet.
   *
   * @param checkpoint must stay open; the caller closes it
   * @param threads threads that compute; 0 for all cores
   */
  public PlainModel(Checkpoint checkpoint, int threads) {
    this.checkpoint = checkpoint;
    this.workers = new Workers(threads);
  }

  /**
   * Opens a stage.
   *
   * @param chunkRows C in the profile; the bits do not depend on it
   * @throws IOException if a tensor cannot be read
   * @throws MissingSpanException if the checkpoint does not hold all of the span
   */
  public PlainStage openStage(Span span, ActivationEval eval, int chunkRows) throws IOException {
    ModelConfig config = checkpoint.config();
    checkpoint.checkHolds(span);
    List<Layer> layers = new ArrayList<>();
    for (int i = span.begin(); i < span.end(); i++) {
      layers.add(layer("blk." + i + "."));
    }
    Optional<Head> last = span.hasHead() ? Optional.of(head()) : Optional.empty();
    return new PlainStage(
        config, span, layers, last, rope(), new Activations(config, eval), chunkRows, workers);
  }

  private Layer layer(String name) throws IOException {
    List<Linear> qkv =
        checkpoint.find(name + "attn_qkv.weight").isPresent()
            ? List.of(linear(name + "attn_qkv"))
            : List.of(linear(name + "attn_q"), linear(name + "attn_k"), linear(name + "attn_v"));
    boolean gated = checkpoint.config().gatedFfn();
    return new Layer(
        norm(name + "attn_norm"),
        qkv,
        linear(name + "attn_output"),
        norm(name + "ffn_norm"),
        gated ? Optional.of(linear(name + "ffn_gate")) : Optional.empty(),
        linear(name + "ffn_up"),
        linear(name + "ffn_down"));
  }

  private Head head() throws IOException {
    String name = checkpoint.config().tiedHead() ? "token_embd.weight" : "output.weight";
    return new Head(norm("output_norm"), matrix(name));
  }

  private Norm norm(String name) throws IOException {
    ModelConfig config = checkpoint.config();
    float[] gain = vector(Optional.of(checkpoint.tensor(name + ".weight")));
    return new Norm(config.norm(), config.normEps(), gain, vector(checkpoint.find(name + ".bias")));
  }

  private Linear linear(String name) throws IOException {
    return new Linear(matrix(name + ".weight"), vector(checkpoint.find(name + ".bias")));
  }

  private static float[] vector(Optional<Tensor> tensor) throws IOException {
    if (tensor.isEmpty()) {
      return new float[0];
    }
    float[] values = new float[Math.toIntExact(tensor.get().elements())];
    tensor.get().read(0, values.length, values, 0);
    return values;
  }

  private synchronized Matrix matrix(String name) throws IOException {
    Matrix known = matrices.get(name);
    if (known == null) {
      known = Matrix.read(checkpoint.tensor(name));
      matrices.put(name, known);
    }
    return known;
  }

  /** The rotary angles, computed once for all stages; empty without RoPE. */
  private synchronized Optional<Tables.Rope> rope() throws IOException {
    ModelConfig config = checkpoint.config();
    if (rope.isEmpty() && config.rope() != RopePairing.NONE) {
      float[] factors =
          config.ropeFactors()
              ? vector(Optional.of(checkpoint.tensor("rope_freqs.weight")))
              : new float[0];
      rope = Optional.of(Tables.rope(config, factors));
    }
    return rope;
  }

  /** Ends the threads; idempotent. */
  @Override
  public void close() {
    workers.close();
  }
}
