package dev.tandem.formats.dumps;

import dev.tandem.formats.MutatedFilesTest;
import dev.tandem.formats.Mutations;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** As {@link MutatedFilesTest}, for the formats of other engines. */
@Tag("slow")
class MutatedDumpsTest {
  private final Path directory;

  MutatedDumpsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  @Timeout(600)
  void llama2cVersion1() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.llama(false), DType.F32, 1);
    TestModels.writeLlama(directory, model); // for its tokenizer
    mutate("model.bin", DumpFiles.llama2c(model, 1, 0), 48, 101);
  }

  @Test
  @Timeout(600)
  void llama2cVersion2() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.llama(true), DType.F32, 1);
    TestModels.writeLlama(directory, model);
    mutate("model.bin", DumpFiles.llama2c(model, 2, 8), 48, 102);
  }

  @Test
  @Timeout(600)
  void llmc() throws IOException {
    Checkpoint model = gpt2();
    mutate("gpt2.bin", DumpFiles.llmc(model, 3, 1152), 32, 103);
    mutate("gpt2.bin", DumpFiles.llmc(model, 5, 1024), 32, 104);
  }

  @Test
  @Timeout(600)
  void modelBin() throws IOException {
    mutate("model.bin", DumpFiles.modelBin(gpt2(), false), 20, 105, "linear=in_out");
  }

  @Test
  @Timeout(600)
  void headerless() throws IOException {
    mutate(
        "weights.bin",
        DumpFiles.parameters(gpt2(), true),
        0,
        106,
        "n_layer=2",
        "n_head=2",
        "n_embd=12",
        "vocab_size=1024",
        "n_positions=16");
  }

  @Test
  @Timeout(600)
  void npyEmbeddings() throws IOException {
    Checkpoint model = gpt2();
    for (String file : List.of("wpe.npy", "wte.npy")) {
      Tensor tensor =
          model.tensor(file.equals("wte.npy") ? "token_embd.weight" : "position_embd.weight");
      byte[] npy =
          DumpFiles.npy(
              "<f4",
              "False",
              "(" + tensor.rows() + ", " + tensor.cols() + ")",
              TestModels.bytes(tensor, false));
      Files.write(directory.resolve(file), npy);
      if (file.equals("wte.npy")) {
        mutate(file, npy, 128, 107, "n_layer=2", "n_head=2");
      }
    }
  }

  private Checkpoint gpt2() throws IOException {
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.copy(
          TestModels.WEIGHTS.resolve("gpt2-shakespeare").resolve(file), directory.resolve(file));
    }
    return RandomModels.of("small", FlatFilesTest.GPT2, DType.F32, 1);
  }

  private void mutate(String name, byte[] valid, int headBytes, long seed, String... config)
      throws IOException {
    Path file = Files.write(directory.resolve(name), valid);
    Mutations mutations = new Mutations(300, 7, new OpenOptions(Optional.empty(), List.of(config)));
    mutations.mutate(file, file, headBytes, seed);
    mutations.requireBothOutcomes();
  }
}
