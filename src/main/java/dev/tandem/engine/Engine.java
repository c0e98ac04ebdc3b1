package dev.tandem.engine;

import dev.tandem.engine.TandemApi.EngineHandle;
import dev.tandem.model.Checkpoint;
import dev.tandem.stage.RowKind;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;

/**
 * The native core with one thread pool and one instruction set. One step runs at a time per engine;
 * concurrent calls wait.
 */
public final class Engine implements AutoCloseable {
  static {
    TandemApi.load();
  }

  private final EngineHandle engine = new EngineHandle();
  private final NativeHandle handle;

  /**
   * Opens an engine.
   *
   * @param threads threads that compute, including the caller's; 0 for all cores
   * @param isa {@code avx512bf16}, {@code avx512vnni}, {@code avx512}, {@code avx2}, {@code
   *     neondot}, {@code neon} or {@code scalar}; empty for {@code TANDEM_ISA} from the
   *     environment, otherwise the best one of this machine
   * @throws NativeException if the machine lacks the instruction set or threads cannot be started
   */
  public Engine(int threads, String isa) {
    NativeCalls.check("td_engine_open", TandemApi.td_engine_open(threads, isa, engine));
    EngineHandle owned = engine;
    handle = new NativeHandle("the engine", () -> TandemApi.td_engine_close(owned));
    handle.closeWith(this);
  }

  /** The instruction set in use. */
  public String isa() {
    handle.acquire();
    try {
      return TandemApi.td_engine_isa(engine);
    } finally {
      handle.release();
    }
  }

  /** Threads in the pool, including the caller's. */
  public int threads() {
    handle.acquire();
    try {
      return TandemApi.td_engine_threads(engine);
    } finally {
      handle.release();
    }
  }

  /**
   * Maps a checkpoint's files, so that stages of this engine can use its tensors.
   *
   * @throws IOException if a file changed its size since the checkpoint was opened, or cannot be
   *     mapped
   */
  public LoadedModel load(Checkpoint checkpoint) throws IOException {
    return new LoadedModel(this, checkpoint);
  }

  /**
   * Name, version and chosen kernels of the BLAS. This call loads the BLAS if necessary.
   *
   * @throws NativeException if it cannot be loaded
   */
  public static String blasDescription() {
    try (BytePointer text = new BytePointer((BytePointer) null)) {
      NativeCalls.check("td_blas_description", TandemApi.td_blas_description(text));
      return text.getString();
    }
  }

  /** The processor's name. */
  public static String cpuName() {
    return TandemApi.td_cpu_name();
  }

  /** The time in seconds for all threads together to read that many bytes of memory once. */
  public double probeReadSeconds(long bytes) {
    DoublePointer seconds = oneDouble();
    handle.acquire();
    try {
      NativeCalls.check("td_probe_read", TandemApi.td_probe_read(engine, bytes, seconds));
    } finally {
      handle.release();
    }
    return seconds.get(0);
  }

  /** The time in seconds of OpenBLAS alone for {@code y[m, n] = x[m, k] * w[n, k]^T}. */
  public double probeSgemmSeconds(int m, int n, int k) {
    DoublePointer seconds = oneDouble();
    handle.acquire();
    try {
      NativeCalls.check("td_probe_sgemm", TandemApi.td_probe_sgemm(engine, m, n, k, seconds));
    } finally {
      handle.release();
    }
    return seconds.get(0);
  }

  /**
   * The time in seconds of one {@code y[nRows, nOut] = x[nRows, nIn] * w^T} with weights of a type.
   *
   * @param kind the kind of the rows: the row-exact kernel computes generated rows; prompt rows are
   *     computed as a chunk in mode fast
   * @throws NativeException if there is no kernel for the type, or a size is wrong
   */
  public double probeMatmulSeconds(DType dtype, RowKind kind, int nRows, int nOut, int nIn) {
    DoublePointer seconds = oneDouble();
    int prompt = kind == RowKind.PROMPT ? 1 : 0;
    handle.acquire();
    try {
      NativeCalls.check(
          "td_probe_matmul",
          TandemApi.td_probe_matmul(
              engine, NativeCodes.of(dtype), prompt, nRows, nOut, nIn, seconds));
    } finally {
      handle.release();
    }
    return seconds.get(0);
  }

  /**
   * The operations per second (a product and its sum are two) of all threads, with only the
   * arithmetic of the kernel for weights of that type.
   *
   * @throws NativeException if there is no kernel for the type
   */
  public double probePeakOperations(DType dtype) {
    DoublePointer operations = oneDouble();
    handle.acquire();
    try {
      NativeCalls.check(
          "td_probe_peak", TandemApi.td_probe_peak(engine, NativeCodes.of(dtype), operations));
    } finally {
      handle.release();
    }
    return operations.get(0);
  }

  private static DoublePointer oneDouble() {
    return new DoublePointer(
        ByteBuffer.allocateDirect(Double.BYTES)
            .order(java.nio.ByteOrder.nativeOrder())
            .asDoubleBuffer());
  }

  EngineHandle pointer() {
    return engine;
  }

  NativeHandle handle() {
    return handle;
  }

  /** Frees the engine once its stages are closed too; idempotent. */
  @Override
  public void close() {
    handle.run();
  }
}
