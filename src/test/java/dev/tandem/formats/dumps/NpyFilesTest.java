package dev.tandem.formats.dumps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.model.ModelPart;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pairs of .npy embeddings. */
class NpyFilesTest {
  private final Path directory;
  private byte[] tokens = {};

  NpyFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @BeforeEach
  void write() throws IOException {
    tokens = write("wte.npy", "wpe.npy", DType.F32);
  }

  private Checkpoint model(DType dtype) throws IOException {
    return RandomModels.of("small", FlatFilesTest.GPT2, dtype, 1);
  }

  private byte[] write(String tokenFile, String positionFile, DType dtype) throws IOException {
    Checkpoint model = model(dtype);
    Files.write(directory.resolve(positionFile), npy(model.tensor("position_embd.weight")));
    byte[] bytes = npy(model.tensor("token_embd.weight"));
    Files.write(directory.resolve(tokenFile), bytes);
    return bytes;
  }

  private static byte[] npy(Tensor tensor) throws IOException {
    return DumpFiles.npy(
        tensor.dtype() == DType.F16 ? "<f2" : "<f4",
        "False",
        "(" + tensor.rows() + ", " + tensor.cols() + ")",
        TestModels.bytes(tensor, false));
  }

  private static Checkpoint open(Path path, String... config) throws IOException {
    return Checkpoints.open(path.toString(), new OpenOptions(Optional.empty(), List.of(config)));
  }

  private void assertMalformed(String... parts) {
    assertThatThrownBy(() -> open(directory, "n_layer=2", "n_head=2").close())
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts)
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @CsvSource({
    "wte.npy, wpe.npy, F32",
    "token_embd.npy, position_embd.npy, F16",
    "gpt2_token_embeddings.npy, gpt2_position_embeddings.npy, F32",
    "tok_emb.npy, pos_emb.npy, F16",
    "my_wte.npy, my_wpe.npy, F32"
  })
  void pairsReadBack(String tokenFile, String positionFile, DType dtype) throws IOException {
    write(tokenFile, positionFile, dtype);
    Checkpoint model = model(dtype);
    try (Checkpoint read = open(directory.resolve(tokenFile), "n_layer=2", "n_head=2")) {
      assertThat(read.config()).isEqualTo(model.config());
      assertThat(read.part()).isEqualTo(new ModelPart(true, Span.layers(0, 0), false));
      assertThat(read.tensors().keySet())
          .containsExactly("token_embd.weight", "position_embd.weight");
      assertThat(read.heldTensors())
          .isEqualTo(ModelHash.entries(model, name -> name.contains("_embd")));
      assertThat(read.notes()).isEmpty();
    }
  }

  @Test
  void directoriesAreOpenedToo() throws IOException {
    try (Checkpoint read = open(directory, "n_layer=2", "n_head=2", "activation_function=gelu")) {
      assertThat(read.format()).isEqualTo("GPT-2 embeddings (.npy)");
    }
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(FlatFilesTest.GPT2));
    try (Checkpoint read = open(directory)) {
      assertThat(read.config()).isEqualTo(FlatFilesTest.GPT2);
    }
    Files.delete(directory.resolve("wpe.npy"));
    assertThatThrownBy(() -> open(directory.resolve("wte.npy"), "n_layer=2"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("position embedding is not beside it");
  }

  @Test
  void whatTheFilesDoNotSayMustBeStated() {
    assertThatThrownBy(() -> open(directory))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(
            "n_layer: expected the number of the model's layers, got nothing; set config");
    assertThatThrownBy(() -> open(directory, "n_layer=2"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("n_head"); // 12 columns are no heads of 64
    assertThatThrownBy(() -> open(directory, "n_layer=2", "n_head=2", "n_embd=24"))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("n_embd: expected 12, as the model's file says, got 24");
  }

  @Test
  void headsOf64AreAssumedAndSaid() throws IOException {
    Files.write(
        directory.resolve("wte.npy"),
        DumpFiles.npy("<f4", "False", "(300, 128)", new byte[4 * 300 * 128]));
    Files.write(
        directory.resolve("wpe.npy"),
        DumpFiles.npy("<f4", "False", "(8, 128)", new byte[4 * 8 * 128]));
    try (Checkpoint read = open(directory, "n_layer=3")) {
      assertThat(read.config()).isEqualTo(RandomModels.gpt2(3, 2, 128, 300, 8));
      assertThat(read.notes()).singleElement().asString().contains("2 heads of 64");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<f8|False|(1024, 12)|descr: expected '<f4' or '<f2'",
        ">f4|False|(1024, 12)|descr",
        "<f4|True|(1024, 12)|fortran_order: expected False",
        "<f4|False|(1024, 12, 1)|shape: expected two extents, got (1024, 12, 1)",
        "<f4|False|(12288,)|shape: expected two extents",
        "<f4|False|(0, 12)|two positive extents",
        "<f4|False|(1024, 13)|file length",
        "<f4|False|(999999999, 999999999)|file length",
        "<f4|False|(9999999999, 12)|shape",
        "<f4|False|(1024, -12)|header",
        "<f4|None|(1024, 12)|header",
        "<f4', 'x': '|False|(1024, 12)|no other member",
        "<f4', 'descr': '<f4|False|(1024, 12)|header: expected {'descr'",
      })
  void headersThatAreWrongAreNamed(String descr, String order, String shape, String named)
      throws IOException {
    byte[] data = new byte[4 * 1024 * 12];
    Files.write(directory.resolve("wte.npy"), DumpFiles.npy(descr, order, shape, data));
    assertMalformed("wte.npy", named);
  }

  @Test
  void damagedFilesAreRefused() throws IOException {
    byte[] valid = tokens;
    for (int length : new int[] {0, 5, 7, 8, 9, 10, 11, 50, valid.length - 1}) {
      Files.write(directory.resolve("wte.npy"), Arrays.copyOf(valid, length));
      assertMalformed("wte.npy: file length");
    }
    damage(valid, 0, 0, "magic: expected \\x93NUMPY");
    damage(valid, 6, 4, "version: expected 1, 2 or 3, got 4");
    damage(valid, 6, 2, "header length"); // its length is then four bytes
    damage(valid, 9, 0x40, "header length: expected at most 10000 B");
    damage(valid, 10, 'x', "header: expected {'descr'");
    Files.write(directory.resolve("wte.npy"), valid);
    Files.write(
        directory.resolve("wpe.npy"), DumpFiles.npy("<f4", "False", "(16, 11)", new byte[704]));
    assertMalformed("wpe.npy: shape: expected 12 columns, as wte.npy has, got 11");
  }

  private void damage(byte[] valid, int at, int value, String part) throws IOException {
    byte[] bytes = valid.clone();
    bytes[at] = (byte) value;
    Files.write(directory.resolve("wte.npy"), bytes);
    assertMalformed("wte.npy", part);
  }
}
