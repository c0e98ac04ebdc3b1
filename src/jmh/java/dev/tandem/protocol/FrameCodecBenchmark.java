package dev.tandem.protocol;

import dev.tandem.settings.RowType;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time to turn a result's rows into a message, and the message into rows where a stage wants them.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class FrameCodecBenchmark {
  private static final long SEED = 42;

  /** GPT-2's: a hidden row, a row of logits, the hidden rows of a chunk. */
  @Param({"1x768", "1x50257", "256x768"})
  public String shape; // rows x columns

  private FrameHeader header;
  private FrameLimits limits;
  private FloatBuffer rows;
  private FloatBuffer out;
  private ByteBuffer message;

  /** Makes the rows, and compares what comes back with them. */
  @Setup(Level.Trial)
  public void verify() throws ProtocolException {
    int nRows = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
    int columns = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
    limits = new FrameLimits(nRows, columns);
    header =
        new FrameHeader(
            FrameKind.RESULT, RowType.F32, true, false, 1, 2, 3, 4, nRows, columns, 0, nRows);
    rows = direct(nRows * columns);
    out = direct(nRows * columns);
    Random random = new Random(SEED);
    for (int i = 0; i < rows.capacity(); i++) {
      rows.put(i, (float) random.nextGaussian());
    }
    message = encode();
    if (!decode().header().equals(header) || out.mismatch(rows) >= 0) {
      throw new IllegalStateException("another result came back");
    }
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(Float.BYTES * floats)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** As the server does. */
  @Benchmark
  public ByteBuffer encode() {
    return FrameCodec.encode(header, rows);
  }

  /** As the client does, with the copy out of the message. */
  @Benchmark
  public Result decode() throws ProtocolException {
    Result result = FrameCodec.decodeResult(message, limits);
    out.put(0, result.rows(), 0, header.rows() * header.columns());
    return result;
  }
}
