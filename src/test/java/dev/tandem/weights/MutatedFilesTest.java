package dev.tandem.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Valid files with seeded damage open as a valid checkpoint or give a {@link ModelFormatException}:
 * never another exception, a hang, or more memory than the file's size and 64 MiB.
 */
class MutatedFilesTest {
  static final int MUTATIONS = Boolean.getBoolean("tandem.long") ? 20_000 : 1_000;
  static final long MAX_EXTRA_BYTES = 64 << 20;
  private static final int[] EXTREMES = {
    0, 1, -1, 2, 255, 256, 65_535, 1 << 20, 1 << 24, 1 << 30, Integer.MAX_VALUE, Integer.MIN_VALUE
  };

  private final Path directory;

  /** How many opened and how many were refused: both must happen, or the test is blind. */
  private int opened;

  private int refused;

  MutatedFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  @Timeout(600)
  void llama2cFiles() throws IOException {
    Path model =
        TestModels.writeLlama(
            directory.resolve("small"),
            RandomModels.of("small", TestModels.llama(false), DType.F32, 1));
    mutate(model, model, 28, 1);
    assertThat(opened).isPositive();
    assertThat(refused).isPositive();
  }

  @Test
  @Timeout(600)
  void theRealLlama2cFile() throws IOException {
    Path model = directory.resolve("stories260K.bin");
    Files.copy(TestModels.WEIGHTS.resolve("stories260K/stories260K.bin"), model);
    Files.copy(
        TestModels.WEIGHTS.resolve("stories260K/tok512.bin"), directory.resolve("tok512.bin"));
    mutate(model, model, 28, 2);
  }

  @Test
  @Timeout(600)
  void llama2cTokenizers() throws IOException {
    Path model =
        TestModels.writeLlama(
            directory.resolve("small"),
            RandomModels.of("small", TestModels.llama(true), DType.F32, 1));
    mutate(model, model.resolveSibling("tok512.bin"), 64, 3);
  }

  @Test
  @Timeout(600)
  void safetensorsFiles() throws IOException {
    Path model = writeGpt2();
    Path weights = model.resolve("model.safetensors");
    byte[] start = Files.readAllBytes(weights);
    long headerBytes = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
    mutate(model, weights, 8 + (int) headerBytes, 4);
    assertThat(opened).isPositive();
    assertThat(refused).isPositive();
  }

  @Test
  @Timeout(600)
  void ggufFiles() throws IOException {
    Checkpoint source = RandomModels.of("small", TestModels.llama(false), DType.F16, 1);
    Path model = directory.resolve("small.gguf");
    byte[] file = GgufModels.of(source).build();
    Files.write(model, file);
    mutate(model, model, file.length - (int) source.tensorBytes(), 8);
    assertThat(opened).isPositive();
    assertThat(refused).isPositive();
  }

  /** As {@code convert} writes them, with a list of hashes and merges. */
  @Test
  @Timeout(600)
  void writtenGgufFiles() throws IOException {
    Path model = directory.resolve("written.gguf");
    try (Checkpoint embedded = Checkpoints.open(Checkpoints.DEFAULT, Optional.empty());
        Checkpoint small = RandomModels.of("small", TestModels.GPT2, DType.F32, 1)) {
      Checkpoint source =
          new Checkpoint(
              "small", "", small.config(), small.tensors(), embedded::tokenizer, List.of());
      GgufWriter writer = new GgufWriter();
      TypePlan plan = TypePlan.of(source, Optional.of(DType.Q8_0), writer.types());
      writer.write(source, plan, model, ConversionProgress.NONE);
      mutate(model, model, (int) (Files.size(model) - plan.bytes()), 9);
    }
    assertThat(opened).isPositive();
    assertThat(refused).isPositive();
  }

  @Test
  @Timeout(600)
  void configFiles() throws IOException {
    Path model = writeGpt2();
    mutate(model, model.resolve("config.json"), 0, 5);
  }

  @Test
  @Timeout(600)
  void vocabularyFiles() throws IOException {
    Path model = writeGpt2();
    mutate(model, model.resolve("vocab.json"), 100, 6);
  }

  @Test
  @Timeout(600)
  void mergesFiles() throws IOException {
    Path model = writeGpt2();
    mutate(model, model.resolve("merges.txt"), 100, 7);
  }

  private Path writeGpt2() throws IOException {
    return TestModels.writeGpt2(
        directory.resolve("small"), RandomModels.of("small", TestModels.GPT2, DType.F16, 1));
  }

  /** Damages one file again and again; half of the damage is in its first bytes. */
  private void mutate(Path model, Path file, int headBytes, long seed) throws IOException {
    byte[] valid = Files.readAllBytes(file);
    check(model, 0, "nothing");
    for (int i = 0; i < MUTATIONS; i++) {
      long caseSeed = 1_000_000 * seed + i;
      Files.write(file, mutated(valid, headBytes, new Random(caseSeed)));
      check(model, caseSeed, file.getFileName().toString());
    }
  }

  static byte[] mutated(byte[] valid, int headBytes, Random random) {
    boolean head = headBytes > 0 && random.nextBoolean();
    int at = random.nextInt(head ? Math.min(headBytes, valid.length) : valid.length);
    byte[] bytes = valid.clone();
    switch (random.nextInt(7)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) random.nextInt();
      case 2 -> {
        for (int n = random.nextInt(16); n >= 0; n--) {
          int other = random.nextInt(head ? Math.min(headBytes, valid.length) : valid.length);
          bytes[other] ^= (byte) (1 << random.nextInt(8));
        }
      }
      case 3 -> {
        int aligned = Math.min(at & ~3, bytes.length - 4);
        int value = EXTREMES[random.nextInt(EXTREMES.length)];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(aligned, value);
      }
      case 4 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 5 -> {
        return Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(64));
      }
      default -> {
        int n = Math.min(1 + random.nextInt(32), bytes.length - at);
        System.arraycopy(bytes, at + n, bytes, at, bytes.length - at - n);
        return Arrays.copyOf(bytes, bytes.length - n);
      }
    }
    return bytes;
  }

  private void check(Path model, long seed, String file) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    boolean valid = true;
    try (Checkpoint checkpoint = Checkpoints.open(model.toString(), Optional.empty())) {
      use(checkpoint);
    } catch (ModelFormatException e) {
      valid = false;
      assertThat(e.getMessage()).as("seed %d", seed).doesNotContain("\n");
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new AssertionError("seed " + seed + ", damaged " + file, e);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(allocated).as("seed %d", seed).isLessThan(MAX_EXTRA_BYTES);
    opened += valid ? 1 : 0;
    refused += valid ? 0 : 1;
  }

  /** Reads what a model is made of, and its tokenizer. */
  static void use(Checkpoint checkpoint) throws IOException {
    List<Tensor> tensors = List.copyOf(checkpoint.tensors().values());
    for (Tensor tensor : tensors) {
      tensor.data().slice(tensor.bytes() - 1, 1).get();
    }
    EmbeddingTable table = EmbeddingTable.of(checkpoint);
    int last = checkpoint.config().vocabSize() - 1;
    FloatBuffer row = FloatBuffer.allocate(table.dModel());
    table.lookup(new int[] {last}, 0, 1, checkpoint.config().maxSeq() - 1, row, 0);
    assertThat(checkpoint.statedDigests().size()).isIn(0, tensors.size());
    assertThat(checkpoint.tokenizer().vocabSize()).isEqualTo(last + 1);
    assertThat(checkpoint.tokenizer().encode("To be, or not to be", false)).isNotEmpty();
  }
}
