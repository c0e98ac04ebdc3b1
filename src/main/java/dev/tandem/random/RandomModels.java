package dev.tandem.random;

import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Models with random weights, for measurements and tests. Equal arguments give equal bits on every
 * machine.
 */
public final class RandomModels {
  private static final int GPT2_VOCAB = 50257;
  private static final int LLAMA2_VOCAB = 32000;
  private static final int LLAMA3_VOCAB = 128256;
  private static final boolean TIED = true;
  private static final boolean UNTIED = false;
  private static final float NORM_EPS = 1e-5f;

  private static final Map<String, ModelConfig> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("gpt2", gpt2(12, 12, 768));
    SHAPES.put("gpt2-medium", gpt2(24, 16, 1024));
    SHAPES.put("gpt2-large", gpt2(36, 20, 1280));
    SHAPES.put("gpt2-xl", gpt2(48, 25, 1600));
    SHAPES.put("distilgpt2", gpt2(6, 12, 768));
    SHAPES.put("stories15M", llama(6, 6, 6, 288, 768).of(LLAMA2_VOCAB, 256, 1e4, TIED));
    SHAPES.put("stories42M", llama(8, 8, 8, 512, 1376).of(LLAMA2_VOCAB, 1024, 1e4, TIED));
    SHAPES.put("stories110M", llama(12, 12, 12, 768, 2048).of(LLAMA2_VOCAB, 1024, 1e4, TIED));
    SHAPES.put("smollm2-135m", llama(30, 9, 3, 576, 1536).of(49152, 8192, 1e5, TIED));
    SHAPES.put("smollm2-360m", llama(32, 15, 5, 960, 2560).of(49152, 8192, 1e5, TIED));
    SHAPES.put("smollm2-1.7b", llama(24, 32, 32, 2048, 8192).of(49152, 8192, 1.3e5, TIED));
    SHAPES.put("tinyllama", llama(22, 32, 4, 2048, 5632).of(LLAMA2_VOCAB, 2048, 1e4, UNTIED));
    SHAPES.put("llama2-7b", llama(32, 32, 32, 4096, 11008).of(LLAMA2_VOCAB, 4096, 1e4, UNTIED));
    SHAPES.put("llama2-13b", llama(40, 40, 40, 5120, 13824).of(LLAMA2_VOCAB, 4096, 1e4, UNTIED));
    SHAPES.put("llama3-8b", llama(32, 32, 8, 4096, 14336).of(LLAMA3_VOCAB, 8192, 5e5, UNTIED));
    SHAPES.put(
        "llama3.1-8b", llama31(32, 32, 8, 4096, 14336).of(LLAMA3_VOCAB, 131072, 5e5, UNTIED));
    SHAPES.put("llama3.2-1b", llama31(16, 32, 8, 2048, 8192).of(LLAMA3_VOCAB, 131072, 5e5, TIED));
    SHAPES.put("llama3.2-3b", llama31(28, 24, 8, 3072, 8192).of(LLAMA3_VOCAB, 131072, 5e5, TIED));
    SHAPES.put("mistral-7b", llama(32, 32, 8, 4096, 14336).of(32768, 32768, 1e6, UNTIED)); // v0.3
    SHAPES.put("mqa-42M", llama(8, 8, 1, 512, 1376).of(LLAMA2_VOCAB, 1024, 1e4, TIED));
  }

  private RandomModels() {}

  private static ModelConfig gpt2(int nLayers, int nHeads, int dModel) {
    return gpt2(nLayers, nHeads, dModel, GPT2_VOCAB, 1024);
  }

  /** GPT-2 in any size. */
  public static ModelConfig gpt2(int nLayers, int nHeads, int dModel, int vocabSize, int maxSeq) {
    return ModelConfig.builder(Architecture.GPT2)
        .nLayers(nLayers)
        .nHeads(nHeads)
        .nKvHeads(nHeads)
        .headDim(dModel / nHeads)
        .dModel(dModel)
        .dFf(4 * dModel)
        .vocabSize(vocabSize)
        .maxSeq(maxSeq)
        .normEps(NORM_EPS)
        .tiedHead(true)
        .build();
  }

  private static LlamaShape llama(int nLayers, int nHeads, int nKvHeads, int dModel, int dFf) {
    return new LlamaShape(nLayers, nHeads, nKvHeads, dModel, dFf, false);
  }

  /** Llama 3.1 and later, whose rotary frequencies are scaled. */
  private static LlamaShape llama31(int nLayers, int nHeads, int nKvHeads, int dModel, int dFf) {
    return new LlamaShape(nLayers, nHeads, nKvHeads, dModel, dFf, true);
  }

  private record LlamaShape(
      int nLayers, int nHeads, int nKvHeads, int dModel, int dFf, boolean ropeFactors) {

    ModelConfig of(int vocabSize, int maxSeq, double ropeTheta, boolean tiedHead) {
      return ModelConfig.builder(Architecture.LLAMA)
          .nLayers(nLayers)
          .nHeads(nHeads)
          .nKvHeads(nKvHeads)
          .headDim(dModel / nHeads)
          .dModel(dModel)
          .dFf(dFf)
          .vocabSize(vocabSize)
          .maxSeq(maxSeq)
          .normEps(NORM_EPS)
          .ropeTheta(ropeTheta)
          .ropeFactors(ropeFactors)
          .tiedHead(tiedHead)
          .build();
    }
  }

  /** Names of the shapes that {@link #of(String, DType, long)} knows. */
  public static List<String> shapeNames() {
    return List.copyOf(SHAPES.keySet());
  }

  /**
   * A model in the shape of a known one, in memory.
   *
   * @throws IllegalArgumentException if the name is not one of {@link #shapeNames}, or a tensor
   *     would reach 2 GiB
   * @throws IOException if memory is short
   */
  public static Checkpoint of(String shapeName, DType dtype, long seed) throws IOException {
    return of(shapeName, shape(shapeName), dtype, seed);
  }

  /**
   * A model of any config, in memory: matrices and embeddings about N(0, 0.02), those that add to
   * the residual stream scaled by 1 / sqrt(2 nLayers) as in GPT-2; gains 1; biases 0.
   *
   * @throws IllegalArgumentException if a tensor would reach 2 GiB
   * @throws IOException if memory is short
   */
  public static Checkpoint of(String name, ModelConfig config, DType dtype, long seed)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    long total = 0;
    try {
      for (Spec spec : TensorPlan.of(config).specs()) {
        RandomWeights weights = new RandomWeights(dtype, spec, config.nLayers(), seed);
        total = Math.addExact(total, weights.bytes());
        if (weights.bytes() > Integer.MAX_VALUE - MemoryRegion.ALIGNMENT) {
          throw new IllegalArgumentException(spec.name() + " would need " + weights.bytes() + " B");
        }
        ByteBuffer memory = MemoryRegion.allocate((int) weights.bytes());
        weights.fill(memory);
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
    return checkpoint(name, config, tensors);
  }

  /**
   * The same model as {@link #of(String, DType, long)} gives, of any size: its weights are drawn
   * whenever they are read, and take no memory.
   *
   * @throws IllegalArgumentException if the name is not one of {@link #shapeNames}
   */
  public static Checkpoint drawn(String shapeName, DType dtype, long seed) {
    ModelConfig config = shape(shapeName);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : TensorPlan.of(config).specs()) {
      RandomWeights weights = new RandomWeights(dtype, spec, config.nLayers(), seed);
      tensors.put(spec.name(), spec.tensor(dtype, false, weights));
    }
    return checkpoint(shapeName, config, tensors);
  }

  private static ModelConfig shape(String name) {
    ModelConfig config = SHAPES.get(name);
    if (config == null) {
      throw new IllegalArgumentException(
          "unknown shape " + name + "; known: " + String.join(", ", SHAPES.keySet()));
    }
    return config;
  }

  private static Checkpoint checkpoint(
      String name, ModelConfig config, Map<String, Tensor> tensors) {
    return new Checkpoint(
        name, "random weights", config, tensors, () -> tokenizer(config.vocabSize()), List.of());
  }

  private static Tokenizer tokenizer(int vocabSize) throws IOException {
    Tokenizer gpt2 = Tokenizers.gpt2();
    return gpt2.vocabSize() == vocabSize ? gpt2 : SyntheticVocabulary.ofSize(vocabSize);
  }
}
