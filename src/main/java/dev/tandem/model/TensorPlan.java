package dev.tandem.model;

import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** The tensors that a config implies, by canonical name, in canonical order. */
public final class TensorPlan {
  /** {@code [vocabSize, dModel]}; also the head where it is tied. */
  public static final String TOKEN_EMBEDDING = "token_embd.weight";

  /** {@code [maxSeq, dModel]}, where positions are embedded. */
  public static final String POSITION_EMBEDDING = "position_embd.weight";

  /** {@code [headDim / 2]}, where a model has them. */
  public static final String ROPE_FACTORS = "rope_freqs.weight";

  /** {@code [vocabSize, dModel]}, where the head is not tied. */
  public static final String OUTPUT = "output.weight";

  /** The use of a tensor, which decides the scale of random weights. */
  public enum Use {
    /** Rows are looked up. */
    EMBEDDING,
    /** A linear layer. */
    MATRIX,
    /** A linear layer whose result is added to the residual stream. */
    RESIDUAL,
    /** The gain of a norm. */
    GAIN,
    /** A bias of a norm or a linear layer. */
    BIAS,
    /** The divisors of the rotary frequencies. */
    FACTORS
  }

  /** One tensor, logically {@code [rows, cols]}. */
  public record Spec(String name, Use use, long rows, long cols) {

    /** The tensor, once its type and bytes are known. */
    public Tensor tensor(DType dtype, boolean transposed, TensorData data) {
      return new Tensor(name, dtype, rows, cols, transposed, data);
    }

    public long elements() {
      return Math.multiplyExact(rows, cols);
    }
  }

  private final Map<String, Spec> specs = new LinkedHashMap<>();

  private TensorPlan() {}

  /** The tensors of a model: GPT-2 with fused qkv, or Llama. */
  public static TensorPlan of(ModelConfig config) {
    TensorPlan plan = new TensorPlan();
    plan.add(TOKEN_EMBEDDING, Use.EMBEDDING, config.vocabSize(), config.dModel());
    if (config.hasPositionEmbedding()) {
      plan.add(POSITION_EMBEDDING, Use.EMBEDDING, config.maxSeq(), config.dModel());
    }
    if (config.ropeFactors()) {
      plan.add(ROPE_FACTORS, Use.FACTORS, 1, config.headDim() / 2);
    }
    for (int layer = 0; layer < config.nLayers(); layer++) {
      plan.addLayer(config, "blk." + layer + ".");
    }
    plan.addNorm("output_norm", config);
    if (!config.tiedHead()) {
      plan.add(OUTPUT, Use.MATRIX, config.vocabSize(), config.dModel());
    }
    return plan;
  }

  /** All tensors, in canonical order. */
  public Collection<Spec> specs() {
    return specs.values();
  }

  /**
   * The tensor of a name.
   *
   * @throws IllegalArgumentException if the model has no such tensor
   */
  public Spec spec(String name) {
    Spec spec = specs.get(name);
    if (spec == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return spec;
  }

  private void addLayer(ModelConfig config, String prefix) {
    long dModel = config.dModel();
    long dFf = config.dFf();
    long qRows = (long) config.nHeads() * config.headDim();
    long kvRows = (long) config.nKvHeads() * config.headDim();
    boolean qkvBias = config.bias() != LinearBias.NONE;
    boolean outputBias = qkvBias && config.bias() != LinearBias.QKV;
    boolean ffnBias = config.bias() == LinearBias.ALL;
    addNorm(prefix + "attn_norm", config);
    if (config.architecture().hasFusedQkv()) {
      addLinear(prefix + "attn_qkv", Use.MATRIX, qRows + 2 * kvRows, dModel, qkvBias);
    } else {
      addLinear(prefix + "attn_q", Use.MATRIX, qRows, dModel, qkvBias);
      addLinear(prefix + "attn_k", Use.MATRIX, kvRows, dModel, qkvBias);
      addLinear(prefix + "attn_v", Use.MATRIX, kvRows, dModel, qkvBias);
    }
    addLinear(prefix + "attn_output", Use.RESIDUAL, dModel, qRows, outputBias);
    addNorm(prefix + "ffn_norm", config);
    if (config.gatedFfn()) {
      addLinear(prefix + "ffn_gate", Use.MATRIX, dFf, dModel, ffnBias);
    }
    addLinear(prefix + "ffn_up", Use.MATRIX, dFf, dModel, ffnBias);
    addLinear(prefix + "ffn_down", Use.RESIDUAL, dModel, dFf, ffnBias);
  }

  private void addLinear(String name, Use use, long rows, long cols, boolean bias) {
    add(name + ".weight", use, rows, cols);
    if (bias) {
      add(name + ".bias", Use.BIAS, 1, rows);
    }
  }

  private void addNorm(String name, ModelConfig config) {
    add(name + ".weight", Use.GAIN, 1, config.dModel());
    if (config.norm() == NormKind.LAYER) {
      add(name + ".bias", Use.BIAS, 1, config.dModel());
    }
  }

  private void add(String name, Use use, long rows, long cols) {
    specs.put(name, new Spec(name, use, rows, cols));
  }
}
