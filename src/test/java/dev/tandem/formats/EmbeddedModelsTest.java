package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelHash;
import dev.tandem.model.TensorDigest;
import dev.tandem.model.TestModels;
import dev.tandem.settings.ModelSource;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Values and digests here were taken from the files with Python's struct and hashlib. */
class EmbeddedModelsTest {

  private static Checkpoint open(String name) throws IOException {
    return Checkpoints.open(name, Optional.empty());
  }

  private static float[] first(Tensor tensor, int n) throws IOException {
    float[] values = new float[n];
    tensor.read(0, n, values, 0);
    return values;
  }

  @Test
  void theDefaultModelIsTheShakespeareGpt2() throws IOException {
    try (Checkpoint model = open(ModelSource.DEFAULT)) {
      assertThat(model.name()).isEqualTo("gpt2-shakespeare");
      assertThat(model.format()).isEqualTo("Hugging Face GPT-2 (safetensors)");
      assertThat(model.config())
          .isEqualTo(
              ModelConfig.builder(Architecture.GPT2)
                  .nLayers(4)
                  .nHeads(4)
                  .nKvHeads(4)
                  .headDim(48)
                  .dModel(192)
                  .dFf(768)
                  .vocabSize(1024)
                  .maxSeq(256)
                  .normEps(1e-5f)
                  .tiedHead(true)
                  .build());
      assertThat(model.parameterCount()).isEqualTo(2_025_600);
      assertThat(model.tensorBytes()).isEqualTo(2 * 2_025_600);
      assertThat(model.tensors()).hasSize(4 + 4 * 12).doesNotContainKey("output.weight");
      assertThat(first(model.tensor("token_embd.weight"), 4))
          .containsExactly(-0.08294678f, -0.0154953f, 0.050109863f, 0.08355713f);
      assertThat(first(model.tensor("output_norm.bias"), 2))
          .containsExactly(-0.17370605f, -0.2475586f);
      Tensor qkv = model.tensor("blk.0.attn_qkv.weight");
      assertThat(qkv.dtype()).isEqualTo(DType.F16);
      assertThat(qkv.rows()).isEqualTo(576);
      assertThat(qkv.cols()).isEqualTo(192);
      assertThat(qkv.transposed()).isTrue();
      assertThat(first(qkv, 3)).containsExactly(0.009414673f, -0.1015625f, 0.072509766f);
      assertThat(TensorDigest.of(qkv))
          .isEqualTo("9c8dfb9ca4fd75a08839edf84687cc04379361d6454b56fe88a8cc685c194ed0");
      assertThat(TensorDigest.of(model.tensor("blk.3.ffn_down.weight")))
          .isEqualTo("d0b863776e8a07764e0fecb945de4c4950752c587e0689f2cc859e4003b76a9d");
      assertThat(TensorDigest.of(model.tensor("position_embd.weight")))
          .isEqualTo("d7435ec29a3db6102aa7c76f9512eeb30c03348a41a0b108c6302a91a25cb321");
    }
  }

  @Test
  void stories260KIsALlamaWithGroupedHeads() throws IOException {
    try (Checkpoint model = open("stories260K")) {
      assertThat(model.format()).isEqualTo("llama2.c version 0");
      assertThat(model.config())
          .isEqualTo(
              ModelConfig.builder(Architecture.LLAMA)
                  .nLayers(5)
                  .nHeads(8)
                  .nKvHeads(4)
                  .headDim(8)
                  .dModel(64)
                  .dFf(172)
                  .vocabSize(512)
                  .maxSeq(512)
                  .normEps(1e-5f)
                  .ropeTheta(10_000)
                  .tiedHead(true)
                  .build());
      assertThat(model.parameterCount()).isEqualTo(260_032);
      assertThat(first(model.tensor("token_embd.weight"), 2))
          .containsExactly(-0.29474878f, 0.5618956f);
      assertThat(first(model.tensor("blk.0.ffn_gate.weight"), 1)).containsExactly(0.21368666f);
      assertThat(first(model.tensor("output_norm.weight"), 1)).containsExactly(2.458309f);
      assertThat(TensorDigest.of(model.tensor("blk.4.attn_k.weight")))
          .isEqualTo("ae424abd55c5ac4dfac2b39bdb941c8e7d5d5b221e4ce89fd54c4080b1492ab4");
      assertThat(TensorDigest.of(model.tensor("blk.4.ffn_gate.weight")))
          .isEqualTo("743820601642e56e0b30811e2bac6481d38383bd0fa781901994a27c347b18ca");
      assertThat(TensorDigest.of(model.tensor("blk.4.ffn_down.weight")))
          .isEqualTo("414592b302b72ae5a85da2bfde57c127f23ee6d306b2abeb3be9c9888fb4901e");
      assertThat(TensorDigest.of(model.tensor("blk.4.ffn_up.weight")))
          .isEqualTo("ef0a30c8335c3230cb578dabe0533d367b0d546c46ea943d0ca47ed04d68d4d5");
    }
  }

  @Test
  void embeddedAndFromFilesTheyAreTheSameModels() throws IOException {
    for (String name : Checkpoints.embeddedNames()) {
      Path directory = TestModels.WEIGHTS.resolve(name);
      try (Checkpoint embedded = open(name);
          Checkpoint fromFiles = open(directory.toAbsolutePath().toString())) {
        assertThat(fromFiles.config()).isEqualTo(embedded.config());
        assertThat(ModelHash.entries(fromFiles, any -> true, Optional.empty()))
            .isEqualTo(embedded.hash().entries());
      }
    }
  }

  @Test
  void everyDirectoryOfWeightsIsAnEmbeddedName() throws IOException {
    try (Stream<Path> directories = Files.list(TestModels.WEIGHTS)) {
      assertThat(Checkpoints.embeddedNames())
          .containsExactlyInAnyOrderElementsOf(
              directories
                  .filter(Files::isDirectory)
                  .map(path -> path.getFileName().toString())
                  .collect(Collectors.toSet()));
    }
  }
}
