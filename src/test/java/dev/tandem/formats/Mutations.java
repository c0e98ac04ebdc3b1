package dev.tandem.formats;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Seeded damage to valid files, after which they must open as a valid checkpoint or give a {@link
 * ModelFormatException}.
 */
public final class Mutations {
  /** Cases of one test class in a long run, over all of its files. */
  private static final int LONG = 20_000;

  private static final int LEAST = 1_000;
  private static final long MAX_EXTRA_BYTES = 64 << 20;

  /** A hang: a case takes milliseconds. */
  private static final long MAX_NANOS = 5_000_000_000L;

  private static final int[] EXTREMES = {
    0, 1, -1, 2, 255, 256, 65_535, 1 << 20, 1 << 24, 1 << 30, Integer.MAX_VALUE, Integer.MIN_VALUE
  };

  private final int count;
  private final OpenOptions options;
  private int opened;
  private int refused;

  /**
   * Counts outcomes.
   *
   * @param count cases of each file in a short run
   * @param files how many files the test class damages, over which a long run spreads its cases
   */
  public Mutations(int count, int files) {
    this(count, files, OpenOptions.defaults());
  }

  /** The same for files that do not say everything. */
  public Mutations(int count, int files, OpenOptions options) {
    int share = Math.max(LEAST, (LONG + files - 1) / files);
    this.count = Boolean.getBoolean("tandem.long") ? share : count;
    this.options = options;
  }

  /** How many files were refused. */
  int refused() {
    return refused;
  }

  /** Both opened and refused ones must occur, or the test is blind. */
  public void requireBothOutcomes() {
    assertThat(opened).isPositive();
    assertThat(refused).isPositive();
  }

  /** Damages one file again and again; half of the damage is in its first bytes. */
  public void mutate(Path model, Path file, int headBytes, long seed) throws IOException {
    byte[] valid = Files.readAllBytes(file);
    check(model, 0, "nothing");
    for (int i = 0; i < count; i++) {
      long caseSeed = 1_000_000 * seed + i;
      Files.write(file, mutated(valid, headBytes, new Random(caseSeed)));
      check(model, caseSeed, file.getFileName().toString());
    }
  }

  /** The same for a file whose last bytes matter most. */
  void mutateEnd(Path model, Path file, int tailBytes, long seed) throws IOException {
    byte[] valid = reversed(Files.readAllBytes(file));
    check(model, 0, "nothing");
    for (int i = 0; i < count; i++) {
      long caseSeed = 1_000_000 * seed + i;
      Files.write(file, reversed(mutated(valid, tailBytes, new Random(caseSeed))));
      check(model, caseSeed, file.getFileName().toString());
    }
  }

  private static byte[] reversed(byte[] bytes) {
    byte[] reversed = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      reversed[i] = bytes[bytes.length - 1 - i];
    }
    return reversed;
  }

  private static byte[] mutated(byte[] valid, int headBytes, Random random) {
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
    long directBefore = directBytes();
    long begin = System.nanoTime();
    boolean valid = true;
    try (Checkpoint checkpoint = Checkpoints.open(model.toString(), options)) {
      use(checkpoint);
    } catch (ModelFormatException e) {
      valid = false;
      assertThat(e.getMessage()).as("seed %d", seed).doesNotContain("\n");
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new AssertionError("seed " + seed + ", damaged " + file, e);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(allocated).as("seed %d", seed).isLessThan(MAX_EXTRA_BYTES);
    assertThat(directBytes() - directBefore).as("seed %d", seed).isLessThan(MAX_EXTRA_BYTES);
    assertThat(System.nanoTime() - begin).as("seed %d", seed).isLessThan(MAX_NANOS);
    opened += valid ? 1 : 0;
    refused += valid ? 0 : 1;
  }

  /** Memory outside of the heap; what was freed meanwhile can only make it less. */
  private static long directBytes() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct"))
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  /** Reads every kind of row, and the tokenizer. */
  private static void use(Checkpoint checkpoint) throws IOException {
    List<Tensor> tensors = List.copyOf(checkpoint.tensors().values());
    for (Tensor tensor : tensors) {
      tensor.data().slice(tensor.bytes() - 1, 1).get();
      int n = (int) Math.min(tensor.elements(), 1024);
      int row = n - n % tensor.dtype().blockElements();
      float[] values = new float[row];
      tensor.read(0, row, values, 0);
      tensor.read(tensor.elements() - row, row, values, 0);
    }
    EmbeddingTable table = EmbeddingTable.of(checkpoint);
    int last = checkpoint.config().vocabSize() - 1;
    FloatBuffer row = FloatBuffer.allocate(table.dModel());
    table.lookup(new int[] {last}, 0, 1, checkpoint.config().maxSeq() - 1, row, 0);
    assertThat(checkpoint.tokenizer().vocabSize()).isGreaterThan(last);
    assertThat(checkpoint.tokenizer().encode("To be, or not to be", false)).isNotEmpty();
  }
}
