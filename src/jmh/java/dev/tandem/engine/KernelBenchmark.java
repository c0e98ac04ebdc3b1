package dev.tandem.engine;

import dev.tandem.stage.RowKind;
import dev.tandem.tensor.DType;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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

/**
 * Products of activations with a matrix that no cache holds, beside the two bounds of a roofline:
 * the time to read the matrix, and the time of the arithmetic alone, both measured before each
 * iteration. The counter {@code roof} is the greater of the two in percent of the product's time.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 5, time = 1)
public class KernelBenchmark {
  private static final int N_IN = 768;
  private static final int PROBES = 5;
  private static final int N_OUT = 201_024; // four times GPT-2's vocabulary, a multiple of 16

  /** The type of the weights. */
  @Param({"f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k"})
  public String type;

  /** Rows of activations. */
  @Param({"1", "2", "4", "8", "16", "64", "256"})
  public int rows;

  /** As generated rows, row-exact, or as a chunk of a prompt in mode fast. */
  @Param({"GENERATED", "PROMPT"})
  public RowKind kind;

  Engine engine;
  private DType dtype;

  /** Opens the engine. */
  @Setup(Level.Trial)
  public void open() {
    dtype = DType.valueOf(type.toUpperCase(Locale.ROOT));
    engine = new Engine(0, "");
    product();
  }

  /** Closes the engine. */
  @TearDown(Level.Trial)
  public void close() {
    engine.close();
  }

  private double product() {
    return engine.probeMatmulSeconds(dtype, kind, rows, N_OUT, N_IN);
  }

  /** What the product is held against. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Roof {
    private double memorySeconds;
    private double arithmeticSeconds;
    private double operations;
    private double bytes;
    private double productSeconds;
    private long products;

    /** Measures both bounds. */
    @Setup(Level.Iteration)
    public void measure(KernelBenchmark benchmark) {
      double elements = (double) N_OUT * N_IN;
      bytes = elements * benchmark.dtype.blockBytes() / benchmark.dtype.blockElements();
      operations = 2 * elements * benchmark.rows;
      memorySeconds = Double.POSITIVE_INFINITY;
      arithmeticSeconds = Double.POSITIVE_INFINITY;
      for (int i = 0; i < PROBES; i++) { // a bound is what is possible, so the fastest counts
        memorySeconds = Math.min(memorySeconds, benchmark.engine.probeReadSeconds((long) bytes));
        double rate = benchmark.engine.probePeakOperations(benchmark.dtype);
        arithmeticSeconds = Math.min(arithmeticSeconds, operations / rate);
      }
      productSeconds = 0;
      products = 0;
    }

    /** The higher bound's share of the time, in percent. */
    public double roof() {
      return 100 * Math.max(memorySeconds, arithmeticSeconds) * products / productSeconds;
    }

    /** Operations per second, in billions. */
    public double gops() {
      return operations * products / productSeconds / 1e9;
    }

    /** What the arithmetic alone reaches, in billions of operations per second. */
    public double peakGops() {
      return operations / arithmeticSeconds / 1e9;
    }

    /** Bytes per second that the probe read, in billions. */
    public double readGbps() {
      return bytes / memorySeconds / 1e9;
    }

    /** Operations for each byte of weights. */
    public double intensity() {
      return operations / bytes;
    }
  }

  /** One product. */
  @Benchmark
  public double matmul(Roof roof) {
    double seconds = product();
    roof.productSeconds += seconds;
    roof.products++;
    return seconds;
  }
}
