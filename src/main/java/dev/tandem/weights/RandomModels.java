package dev.tandem.weights;

import dev.tandem.config.Activation;
import dev.tandem.config.LinearBias;
import dev.tandem.config.ModelConfig;
import dev.tandem.config.NormKind;
import dev.tandem.config.RopePairing;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.Tokenizers;
import dev.tandem.weights.TensorPlan.Spec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Models with random weights in direct memory, for measurements and tests. Equal arguments give
 * equal bits on every machine.
 */
public final class RandomModels {
  private static final int GPT2_VOCAB = 50257;
  private static final int LLAMA2_VOCAB = 32000;
  private static final float NORM_EPS = 1e-5f;

  private static final Map<String, ModelConfig> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("gpt2", gpt2(12, 12, 768));
    SHAPES.put("gpt2-medium", gpt2(24, 16, 1024));
    SHAPES.put("gpt2-large", gpt2(36, 20, 1280));
    SHAPES.put("gpt2-xl", gpt2(48, 25, 1600));
    SHAPES.put("distilgpt2", gpt2(6, 12, 768));
    SHAPES.put("stories15M", llama(6, 6, 6, 288, 768, LLAMA2_VOCAB, 256, 10_000, true));
    SHAPES.put("stories42M", llama(8, 8, 8, 512, 1376, LLAMA2_VOCAB, 1024, 10_000, true));
    SHAPES.put("stories110M", llama(12, 12, 12, 768, 2048, LLAMA2_VOCAB, 1024, 10_000, true));
    SHAPES.put("smollm2-135m", llama(30, 9, 3, 576, 1536, 49152, 8192, 100_000, true));
    SHAPES.put("tinyllama", llama(22, 32, 4, 2048, 5632, LLAMA2_VOCAB, 2048, 10_000, false));
  }

  private RandomModels() {}

  private static ModelConfig gpt2(int nLayers, int nHeads, int dModel) {
    return gpt2(nLayers, nHeads, dModel, GPT2_VOCAB, 1024);
  }

  /** GPT-2 in any size. */
  static ModelConfig gpt2(int nLayers, int nHeads, int dModel, int vocabSize, int maxSeq) {
    return new ModelConfig(
        "gpt2",
        nLayers,
        nHeads,
        nHeads,
        dModel / nHeads,
        dModel,
        4 * dModel,
        vocabSize,
        maxSeq,
        NormKind.LAYER,
        NORM_EPS,
        Activation.GELU_TANH,
        false,
        LinearBias.ALL,
        RopePairing.NONE,
        0,
        false,
        true);
  }

  private static ModelConfig llama(
      int nLayers,
      int nHeads,
      int nKvHeads,
      int dModel,
      int dFf,
      int vocabSize,
      int maxSeq,
      double ropeTheta,
      boolean tiedHead) {
    return new ModelConfig(
        "llama",
        nLayers,
        nHeads,
        nKvHeads,
        dModel / nHeads,
        dModel,
        dFf,
        vocabSize,
        maxSeq,
        NormKind.RMS,
        NORM_EPS,
        Activation.SILU,
        true,
        LinearBias.NONE,
        RopePairing.INTERLEAVED,
        ropeTheta,
        false,
        tiedHead);
  }

  /** Names of the shapes that {@link #of(String, DType, long)} knows. */
  public static List<String> shapeNames() {
    return List.copyOf(SHAPES.keySet());
  }

  /**
   * A model in the shape of a known one.
   *
   * @throws IllegalArgumentException if the name is not one of {@link #shapeNames}
   * @throws IOException if the memory cannot be had
   */
  public static Checkpoint of(String shapeName, DType dtype, long seed) throws IOException {
    ModelConfig config = SHAPES.get(shapeName);
    if (config == null) {
      throw new IllegalArgumentException(
          "unknown shape " + shapeName + "; known: " + String.join(", ", SHAPES.keySet()));
    }
    return of(shapeName, config, dtype, seed);
  }

  /**
   * A model of any config: matrices and embeddings about N(0, 0.02), those that add to the residual
   * stream scaled by 1 / sqrt(2 nLayers) as in GPT-2; gains 1; biases 0.
   *
   * @throws IllegalArgumentException if a tensor would reach 2 GiB
   * @throws IOException if the memory cannot be had
   */
  public static Checkpoint of(String name, ModelConfig config, DType dtype, long seed)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    long total = 0;
    try {
      for (Spec spec : TensorPlan.of(config).specs()) {
        long bytes = dtype.bytes(spec.elements());
        total = Math.addExact(total, bytes);
        if (bytes > Integer.MAX_VALUE - MemoryRegion.ALIGNMENT) {
          throw new IllegalArgumentException(spec.name() + " would need " + bytes + " B");
        }
        ByteBuffer memory = MemoryRegion.allocate((int) bytes);
        RandomWeights.fill(memory, dtype, spec, config.nLayers(), seed);
        tensors.put(spec.name(), spec.tensor(dtype, false, new MemoryRegion(memory)));
      }
    } catch (OutOfMemoryError e) {
      throw new IOException(
          name
              + " in "
              + dtype
              + " does not fit in direct memory, no more than "
              + (total >> 20)
              + " MiB of it; -XX:MaxDirectMemorySize=SIZE raises the limit",
          e);
    }
    return new Checkpoint(
        name, "random weights", config, tensors, () -> tokenizer(config.vocabSize()), List.of());
  }

  private static Tokenizer tokenizer(int vocabSize) throws IOException {
    Tokenizer gpt2 = Tokenizers.gpt2();
    return gpt2.vocabSize() == vocabSize ? gpt2 : NumberedPieces.ofSize(vocabSize);
  }
}
