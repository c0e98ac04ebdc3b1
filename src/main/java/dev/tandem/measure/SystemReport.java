package dev.tandem.measure;

import dev.tandem.api.TandemException;
import dev.tandem.engine.Engine;
import dev.tandem.engine.NativeException;
import dev.tandem.settings.EngineSettings;
import java.util.Arrays;

/**
 * Measured limits of this machine.
 *
 * @param cpu the processor's name
 * @param isa the instruction set of the kernels
 * @param threads threads in the pool
 * @param blas name, version and chosen kernels of the BLAS
 * @param readGbps memory read bandwidth of all threads, in GB/s; median of several runs
 * @param sgemmGflops rate of OpenBLAS's sgemm with 256 rows of GPT-2's shapes, in GFLOP/s; median
 */
public record SystemReport(
    String cpu, String isa, int threads, String blas, double readGbps, double sgemmGflops) {
  private static final int RUNS = 7;
  private static final long READ_BYTES = 512L << 20; // far above any cache
  private static final int ROWS = 256;
  private static final int N_OUT = 3072;
  private static final int N_IN = 768;

  /**
   * Measures; takes about a second.
   *
   * @throws TandemException if the native libraries cannot be loaded, or refuse the settings
   */
  public static SystemReport measure(EngineSettings settings) {
    try (Engine engine = new Engine(settings.threads(), settings.isa())) {
      return measure(engine);
    } catch (LinkageError | NativeException e) {
      throw new TandemException(e.getMessage() == null ? e.toString() : e.getMessage(), e);
    }
  }

  static SystemReport measure(Engine engine) {
    double[] read = new double[RUNS];
    double[] sgemm = new double[RUNS];
    engine.probeReadSeconds(READ_BYTES); // touches the memory
    engine.probeSgemmSeconds(ROWS, N_OUT, N_IN);
    for (int i = 0; i < RUNS; i++) {
      read[i] = READ_BYTES / engine.probeReadSeconds(READ_BYTES) / 1e9;
      sgemm[i] = 2.0 * ROWS * N_OUT * N_IN / engine.probeSgemmSeconds(ROWS, N_OUT, N_IN) / 1e9;
    }
    return new SystemReport(
        Engine.cpuName(),
        engine.isa(),
        engine.threads(),
        Engine.blasDescription(),
        median(read),
        median(sgemm));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
