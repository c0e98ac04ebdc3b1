package dev.tandem.runtime;

import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.Retyped;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;

/** Small models with random weights whose contexts hold more than two chunks of 256. */
final class LongContexts {
  private static final int N_LAYERS = 3;
  private static final int D_MODEL = 96;
  private static final int VOCAB = 512;
  private static final int MAX_SEQ = 640;
  private static final long SEED = 5;

  private LongContexts() {}

  static Checkpoint gpt2() throws IOException {
    ModelConfig config =
        ModelConfig.builder(Architecture.GPT2)
            .nLayers(N_LAYERS)
            .nHeads(4)
            .nKvHeads(4)
            .headDim(D_MODEL / 4)
            .dModel(D_MODEL)
            .dFf(4 * D_MODEL)
            .vocabSize(VOCAB)
            .maxSeq(MAX_SEQ)
            .normEps(1e-5f)
            .tiedHead(true)
            .build();
    return RandomModels.of("random-gpt2", config, DType.F32, SEED);
  }

  /** Grouped-query attention, untied head. */
  static Checkpoint llama() throws IOException {
    return llama("random-llama", 6, D_MODEL, 200);
  }

  /** Wide enough for blocks of 256, in the types that the usual K-quant files mix. */
  static Checkpoint superblocks() throws IOException {
    return Retyped.withRandomBlocks(
        llama("superblocks", 8, 256, 512),
        tensor ->
            tensor.name().matches("output\\..*|.*\\.(attn_v|ffn_down)\\..*")
                ? DType.Q6_K
                : DType.Q4_K,
        SEED);
  }

  private static Checkpoint llama(String name, int nHeads, int dModel, int dFf) throws IOException {
    ModelConfig config =
        ModelConfig.builder(Architecture.LLAMA)
            .nLayers(N_LAYERS)
            .nHeads(nHeads)
            .nKvHeads(2)
            .headDim(dModel / nHeads)
            .dModel(dModel)
            .dFf(dFf)
            .vocabSize(VOCAB)
            .maxSeq(MAX_SEQ)
            .normEps(1e-5f)
            .ropeTheta(10_000)
            .build();
    return RandomModels.of(name, config, DType.F32, SEED);
  }
}
