package dev.tandem.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.ModelHash.Entry;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelHashTest {
  private final Path directory;

  ModelHashTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint with(Checkpoint model, Tensor changed) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    tensors.put(changed.name(), changed);
    return new Checkpoint(
        "changed", "test", model.config(), tensors, () -> model.tokenizer(), List.of());
  }

  private static Tensor copy(Tensor tensor, boolean transpose, int flipBit) throws IOException {
    byte[] bytes = TestModels.bytes(tensor, transpose);
    if (flipBit >= 0) {
      bytes[flipBit / 8] ^= (byte) (1 << flipBit % 8);
    }
    ByteBuffer memory = MemoryRegion.allocate(bytes.length);
    memory.put(0, bytes);
    return new Tensor(
        tensor.name(),
        tensor.dtype(),
        tensor.rows(),
        tensor.cols(),
        transpose,
        new MemoryRegion(memory));
  }

  @Test
  void transposedStorageHashesTheSame() throws IOException {
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
      Checkpoint model = RandomModels.of("small", TestModels.GPT2, dtype, 1);
      for (Tensor tensor : model.tensors().values()) {
        assertThat(TensorDigest.of(copy(tensor, true, -1))).isEqualTo(TensorDigest.of(tensor));
      }
    }
  }

  @Test
  void panelsOfLargeTransposedTensorsHashTheSame() throws IOException {
    for (int[] shape : new int[][] {{9001, 3}, {7, 1_500_000}, {1025, 2051}}) {
      ByteBuffer memory = MemoryRegion.allocate(shape[0] * shape[1] * 2);
      for (int i = 0; i < memory.limit(); i++) {
        memory.put(i, (byte) (i * 31 + (i >> 8)));
      }
      Tensor tensor =
          new Tensor("t", DType.BF16, shape[0], shape[1], false, new MemoryRegion(memory));
      assertThat(TensorDigest.of(copy(tensor, true, -1))).isEqualTo(TensorDigest.of(tensor));
    }
  }

  @Test
  void theHashDoesNotDependOnTheFileFormat() throws IOException {
    Checkpoint gpt2 = RandomModels.of("small", TestModels.GPT2, DType.BF16, 1);
    Checkpoint llama = RandomModels.of("small", TestModels.llama(false), DType.F32, 1);
    Path gpt2Path = TestModels.writeGpt2(directory.resolve("gpt2"), gpt2);
    Path llamaPath = TestModels.writeLlama(directory.resolve("llama"), llama);
    try (Checkpoint gpt2File = Checkpoints.open(gpt2Path.toString(), Optional.empty());
        Checkpoint llamaFile = Checkpoints.open(llamaPath.toString(), Optional.empty())) {
      assertThat(uncached(gpt2File)).isEqualTo(uncached(gpt2));
      assertThat(uncached(llamaFile)).isEqualTo(uncached(llama));
      assertThat(uncached(gpt2)).isNotEqualTo(uncached(llama));
    }
  }

  private static ModelHash uncached(Checkpoint model) throws IOException {
    return ModelHash.of(model.config(), ModelHash.entries(model, any -> true, Optional.empty()));
  }

  @Test
  void everyFlippedBitChangesTheHash() throws IOException {
    long seed = 7;
    Random random = new Random(seed);
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F16, 1);
    ModelHash hash = uncached(model);
    for (Tensor tensor : model.tensors().values()) {
      for (boolean transpose : new boolean[] {false, true}) {
        int bit = random.nextInt((int) tensor.bytes() * 8);
        ModelHash other = uncached(with(model, copy(tensor, transpose, bit)));
        assertThat(other.hex())
            .as("seed %d, %s, bit %d", seed, tensor.name(), bit)
            .isNotEqualTo(hash.hex());
        assertThat(hash.firstDifference(other.entries())).get().asString().contains(tensor.name());
      }
    }
  }

  @Test
  void everyConfigFieldChangesTheHash() throws ReflectiveOperationException {
    RecordComponent[] fields = ModelConfig.class.getRecordComponents();
    Object[] base = {
      Architecture.LLAMA,
      2,
      4,
      2,
      6,
      24,
      20,
      512,
      16,
      NormKind.RMS,
      1e-5f,
      Activation.SILU,
      true,
      LinearBias.NONE,
      RopePairing.INTERLEAVED,
      10_000.0,
      false,
      true
    };
    Object[] other = {
      Architecture.GPT2,
      3,
      8,
      4,
      8,
      25,
      21,
      513,
      17,
      NormKind.LAYER,
      1.1e-5f,
      Activation.GELU_ERF,
      false,
      LinearBias.QKV,
      RopePairing.HALVES,
      10_000.5,
      true,
      false
    };
    var constructor =
        ModelConfig.class.getDeclaredConstructor(
            Stream.of(fields).map(RecordComponent::getType).toArray(Class<?>[]::new));
    Set<String> hashes = new HashSet<>();
    hashes.add(ModelHash.of(constructor.newInstance(base), List.of()).hex());
    for (int i = 0; i < fields.length; i++) {
      Object[] changed = base.clone();
      changed[i] = other[i];
      assertThat(hashes.add(ModelHash.of(constructor.newInstance(changed), List.of()).hex()))
          .as(fields[i].getName())
          .isTrue();
    }
  }

  @Test
  void aPeersListGivesTheSameHashAndSubsetsAreChecked() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F16, 1);
    ModelHash hash = model.hash();
    List<Entry> reversed = new ArrayList<>(hash.entries());
    java.util.Collections.reverse(reversed);
    assertThat(ModelHash.of(model.config(), reversed)).isEqualTo(hash);
    List<Entry> embeddings = ModelHash.entries(model, name -> name.contains("_embd"));
    assertThat(embeddings).hasSize(2);
    assertThat(hash.firstDifference(embeddings)).isEmpty();
    Entry alien = new Entry("blk.9.attn_norm.bias", DType.F16, 1, 12, "00");
    assertThat(hash.firstDifference(List.of(alien)))
        .hasValue("tensor blk.9.attn_norm.bias is not part of the model");
    assertThat(ModelHash.of(model.config(), hash.entries().subList(1, hash.entries().size())).hex())
        .isNotEqualTo(hash.hex());
  }

  @Test
  void digestsAreCachedUntilAFileChanges() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F16, 1);
    Path written = TestModels.writeGpt2(directory.resolve("gpt2"), model);
    Path weights = written.resolve("model.safetensors");
    Files.setLastModifiedTime(weights, FileTime.fromMillis(1_700_000_000_000L));
    Path cacheDirectory = directory.resolve("cache/digests");
    Optional<HashCache> cache = Optional.of(new HashCache(cacheDirectory));
    List<Entry> expected = uncached(model).entries();

    try (Checkpoint file = Checkpoints.open(written.toString(), Optional.empty())) {
      assertThat(ModelHash.entries(file, name -> name.startsWith("blk.0."), cache)).hasSize(12);
      assertThat(ModelHash.entries(file, any -> true, cache)).isEqualTo(expected);
    }
    // The same path, size and time: the cached digests count, whatever the bytes.
    byte[] changed = Files.readAllBytes(weights);
    changed[changed.length - 1] ^= 1;
    Files.write(weights, changed);
    Files.setLastModifiedTime(weights, FileTime.fromMillis(1_700_000_000_000L));
    try (Checkpoint file = Checkpoints.open(written.toString(), Optional.empty())) {
      assertThat(ModelHash.entries(file, any -> true, cache)).isEqualTo(expected);
    }
    // A damaged cache file is as if it were not there.
    try (Stream<Path> files = Files.list(cacheDirectory)) {
      Path only = files.findFirst().orElseThrow();
      Files.writeString(only, Files.readString(only).replaceFirst("[0-9a-f]{64}", "f".repeat(64)));
    }
    try (Checkpoint file = Checkpoints.open(written.toString(), Optional.empty())) {
      assertThat(ModelHash.entries(file, any -> true, cache)).isNotEqualTo(expected);
    }
    // Another time: computed again; changed just now: not kept.
    Files.setLastModifiedTime(weights, FileTime.fromMillis(System.currentTimeMillis()));
    try (Checkpoint file = Checkpoints.open(written.toString(), Optional.empty())) {
      assertThat(ModelHash.entries(file, any -> true, cache)).isNotEqualTo(expected);
      try (Stream<Path> files = Files.list(cacheDirectory)) {
        assertThat(files).hasSize(1);
      }
    }
  }

  @Test
  void aCacheThatCannotBeWrittenIsNoCache() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F16, 1);
    Path written = TestModels.writeGpt2(directory.resolve("gpt2"), model);
    Files.setLastModifiedTime(
        written.resolve("model.safetensors"), FileTime.fromMillis(1_700_000_000_000L));
    Path occupied = Files.writeString(directory.resolve("file"), "");
    try (Checkpoint file = Checkpoints.open(written.toString(), Optional.empty())) {
      assertThat(
              ModelHash.entries(
                  file, any -> true, Optional.of(new HashCache(occupied.resolve("x")))))
          .isEqualTo(uncached(model).entries());
    }
  }

  @Test
  void theCacheIsWhereTheEnvironmentSays() throws IOException {
    for (Map<String, String> environment :
        List.of(
            Map.of("TANDEM_CACHE", directory.resolve("a").toString()),
            Map.of("XDG_CACHE_HOME", directory.toString()),
            Map.<String, String>of())) {
      assertThat(HashCache.ofUser(environment, directory.toString())).isPresent();
    }
    assertThat(HashCache.ofUser(Map.of("TANDEM_CACHE", "\0"), "")).isEmpty();
  }
}
