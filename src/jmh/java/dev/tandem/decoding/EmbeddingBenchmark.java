package dev.tandem.decoding;

import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Time to look up rows of GPT-2's token and position embeddings, in memory. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "-XX:MaxDirectMemorySize=2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class EmbeddingBenchmark {
  private static final long SEED = 42;
  private static final int IDS = 1 << 16; // more rows than a cache holds
  private static final int MAX_ROWS = 256;

  /** Rows of a lookup: a generated token, a chunk of a prompt. */
  @Param({"1", "256"})
  public int nTok;

  /** Element type of the weights. */
  @Param({"F32", "F16"})
  public DType dtype;

  private Checkpoint checkpoint;
  private EmbeddingTable table;
  private int[] ids;
  private FloatBuffer out; // [nTok, dModel]
  private int next;

  /** Makes the weights, and compares a lookup with the sum of the stored rows. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    checkpoint = RandomModels.of("distilgpt2", dtype, SEED);
    table = EmbeddingTable.of(checkpoint);
    ids = new Random(SEED).ints(IDS, 0, checkpoint.config().vocabSize()).toArray();
    out =
        ByteBuffer.allocateDirect(Float.BYTES * MAX_ROWS * table.dModel())
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    lookup();
    Tensor tokens = checkpoint.tensor("token_embd.weight");
    Tensor positions = checkpoint.tensor("position_embd.weight");
    int width = table.dModel();
    float[] token = new float[width];
    float[] position = new float[width];
    for (int t = 0; t < nTok; t++) {
      tokens.read((long) ids[t] * width, width, token, 0);
      positions.read((long) t * width, width, position, 0);
      for (int c = 0; c < width; c++) {
        if (out.get(t * width + c) != token[c] + position[c]) {
          throw new IllegalStateException("row " + t + ", column " + c + " is not the sum");
        }
      }
    }
  }

  /** Frees the weights. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    checkpoint.close();
  }

  /** Other ids each time, at the first positions. */
  @Benchmark
  public FloatBuffer lookup() throws IOException {
    table.lookup(ids, next, next + nTok, 0, out, 0);
    next = (next + nTok) & (IDS - 1);
    return out;
  }
}
