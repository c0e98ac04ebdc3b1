package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.formats.dumps.DumpFiles;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.gguf.GgufBytes;
import dev.tandem.formats.gguf.GgufModels;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Models that have more rows than their tokenizers have tokens, or fewer, in each form. */
class VocabularySizesTest {
  private final Path directory;

  VocabularySizesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** A model's format, with a tokenizer that is its own or beside it. */
  enum Form {
    HUGGING_FACE(1024),
    GGUF(300),
    LLAMA2C(512),
    MODEL_BIN(1024),
    TOKENIZER_GIVEN(1024);

    private final int tokens;

    Form(int tokens) {
      this.tokens = tokens;
    }
  }

  private static ModelConfig llama(int vocabSize) {
    ModelConfig c = TestModels.llama(true);
    return ModelConfig.builder(Architecture.LLAMA)
        .nLayers(1)
        .nHeads(4)
        .nKvHeads(2)
        .headDim(6)
        .dModel(24)
        .dFf(20)
        .vocabSize(vocabSize)
        .maxSeq(16)
        .norm(c.norm())
        .normEps(c.normEps())
        .activation(c.activation())
        .bias(c.bias())
        .rope(c.rope())
        .ropeTheta(c.ropeTheta())
        .tiedHead(true)
        .build();
  }

  private void copy(String file) throws IOException {
    Files.copy(TestModels.WEIGHTS.resolve(file), directory.resolve(Path.of(file).getFileName()));
  }

  private Checkpoint open(Form form, int rows) throws IOException {
    boolean gpt2 = form != Form.GGUF && form != Form.LLAMA2C;
    ModelConfig config = gpt2 ? RandomModels.gpt2(1, 2, 12, rows, 16) : llama(rows);
    Checkpoint model = RandomModels.of("m", config, DType.F32, 1);
    Path tokenizer = TestModels.WEIGHTS.resolve("gpt2-shakespeare");
    Path file = directory.resolve("model.bin");
    switch (form) {
      case HUGGING_FACE, TOKENIZER_GIVEN -> {
        Files.writeString(directory.resolve("config.json"), TestModels.configJson(config));
        file =
            Files.write(directory.resolve("model.safetensors"), TestModels.safetensors(model, ""));
      }
      case GGUF -> {
        GgufBytes gguf = GgufModels.addTokens(GgufModels.keys(config), form.tokens);
        for (Tensor tensor : model.tensors().values()) {
          GgufModels.add(gguf, tensor);
        }
        file = Files.write(directory.resolve("model.gguf"), gguf.build());
      }
      case LLAMA2C -> {
        Files.write(file, TestModels.llama2c(model));
        copy("stories260K/tok512.bin");
        Files.move(directory.resolve("tok512.bin"), directory.resolve("tokenizer.bin"));
      }
      case MODEL_BIN -> Files.write(file, DumpFiles.modelBin(model, false));
    }
    if (form == Form.HUGGING_FACE || form == Form.MODEL_BIN) {
      copy("gpt2-shakespeare/vocab.json");
      copy("gpt2-shakespeare/merges.txt");
    }
    return Checkpoints.open(
        file.toString(),
        new OpenOptions(
            form == Form.TOKENIZER_GIVEN
                ? Optional.of(TokenizerFiles.given(tokenizer))
                : Optional.empty(),
            form == Form.MODEL_BIN ? List.of("linear=out_in") : List.of()));
  }

  static Stream<Arguments> formsAndDifferences() {
    return Arrays.stream(Form.values())
        .flatMap(form -> Stream.of(-200, -1, 0, 1, 64, 2000).map(more -> Arguments.of(form, more)));
  }

  @ParameterizedTest
  @MethodSource("formsAndDifferences")
  void bothRun(Form form, int more) throws IOException {
    int rows = form.tokens + more;
    try (Checkpoint model = open(form, rows)) {
      Tokenizer tokenizer = model.tokenizer();
      assertThat(tokenizer.vocabSize()).isEqualTo(Math.max(rows, form.tokens));
      for (int id = form.tokens; id < rows; id++) {
        assertThat(tokenizer.hasText(id)).isFalse();
      }
      assertThat(tokenizer.hasText(form.tokens - 1)).isTrue();
      boolean usual = more >= 0 && more * 64 <= rows;
      assertThat(tokenizer.notes()).hasSize(usual ? 0 : 1);
      assertThat(model.config().vocabSize()).isEqualTo(rows);
    }
  }
}
