package dev.tandem.engine;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.javacpp.annotation.ByPtrPtr;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.MemberSetter;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Opaque;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The functions and structs of {@code tandem.h}, name for name. Struct pointers here are views of
 * direct buffers ({@link #structs}), so JavaCPP never owns or frees our memory.
 */
@Platform(include = "api/tandem.h", link = "tandem", library = "jnitandem")
final class TandemApi {
  static final int OK = 0;

  static {
    NativeLibraries.load();
  }

  private TandemApi() {}

  /**
   * Loads the libraries if nothing has used this class yet. Call it before the first {@link
   * Pointer}, which would otherwise decide where libraries are unpacked.
   */
  static void load() {}

  /**
   * Memory for {@code count} structs that lives as long as the returned buffer is reachable through
   * the pointer made from it.
   */
  static ByteBuffer structs(Class<? extends Pointer> type, int count) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(Math.max(1, count), Loader.sizeof(type)));
  }

  /** A thread pool and an instruction set: {@code td_engine}. */
  @Opaque
  @Name("td_engine")
  static final class EngineHandle extends Pointer {
    EngineHandle() {
      super((Pointer) null);
    }
  }

  /** Weights and scratch memory: {@code td_stage}. */
  @Opaque
  @Name("td_stage")
  static final class StageHandle extends Pointer {
    StageHandle() {
      super((Pointer) null);
    }
  }

  /** One KV cache: {@code td_sequence}. */
  @Opaque
  @Name("td_sequence")
  static final class SequenceHandle extends Pointer {
    SequenceHandle() {
      super((Pointer) null);
    }
  }

  /** A read-only mapping: {@code td_file}. */
  @Opaque
  @Name("td_file")
  static final class FileHandle extends Pointer {
    FileHandle() {
      super((Pointer) null);
    }
  }

  /** One tensor of a stage: {@code td_tensor}. */
  @Name("td_tensor")
  static final class TensorArgs extends Pointer {
    TensorArgs(Pointer memory) {
      super(memory);
    }

    /** Never called: JavaCPP knows the size of a struct only if it has an allocator. */
    native void allocate();

    @MemberSetter
    native TensorArgs role(int value);

    @MemberSetter
    native TensorArgs layer(int value);

    @MemberSetter
    native TensorArgs dtype(int value);

    @MemberSetter
    native TensorArgs transposed(int value);

    @MemberSetter
    native TensorArgs rows(long value);

    @MemberSetter
    native TensorArgs cols(long value);

    @MemberSetter
    native TensorArgs data(@Const Pointer value);

    @MemberSetter
    native TensorArgs data_bytes(long value);
  }

  /** What a stage is: {@code td_stage_options}, the model's {@code td_config} included. */
  @Name("td_stage_options")
  static final class StageOptionsArgs extends Pointer {
    StageOptionsArgs(Pointer memory) {
      super(memory);
    }

    /** Never called: JavaCPP knows the size of a struct only if it has an allocator. */
    native void allocate();

    @MemberSetter
    @Name("config.n_layers")
    native StageOptionsArgs nLayers(int value);

    @MemberSetter
    @Name("config.n_heads")
    native StageOptionsArgs nHeads(int value);

    @MemberSetter
    @Name("config.n_kv_heads")
    native StageOptionsArgs nKvHeads(int value);

    @MemberSetter
    @Name("config.head_dim")
    native StageOptionsArgs headDim(int value);

    @MemberSetter
    @Name("config.d_model")
    native StageOptionsArgs dModel(int value);

    @MemberSetter
    @Name("config.d_ff")
    native StageOptionsArgs dFf(int value);

    @MemberSetter
    @Name("config.vocab_size")
    native StageOptionsArgs vocabSize(int value);

    @MemberSetter
    @Name("config.max_seq")
    native StageOptionsArgs maxSeq(int value);

    @MemberSetter
    @Name("config.norm")
    native StageOptionsArgs norm(int value);

    @MemberSetter
    @Name("config.norm_eps")
    native StageOptionsArgs normEps(float value);

    @MemberSetter
    @Name("config.activation")
    native StageOptionsArgs activation(int value);

    @MemberSetter
    @Name("config.gated")
    native StageOptionsArgs gated(int value);

    @MemberSetter
    @Name("config.rope")
    native StageOptionsArgs rope(int value);

    @MemberSetter
    native StageOptionsArgs layer_begin(int value);

    @MemberSetter
    native StageOptionsArgs layer_end(int value);

    @MemberSetter
    native StageOptionsArgs has_head(int value);

    @MemberSetter
    native StageOptionsArgs mode(int value);

    @MemberSetter
    native StageOptionsArgs activation_eval(int value);

    @MemberSetter
    native StageOptionsArgs kv_dtype(int value);

    @MemberSetter
    native StageOptionsArgs chunk_rows(int value);

    @MemberSetter
    native StageOptionsArgs rope_cos(@Const FloatPointer value);

    @MemberSetter
    native StageOptionsArgs rope_sin(@Const FloatPointer value);

    @MemberSetter
    native StageOptionsArgs activation_table(@Cast("const uint16_t*") ShortPointer value);
  }

  /** One entry of a ragged batch: {@code td_rows}. */
  @Name("td_rows")
  static final class RowsArgs extends Pointer {
    RowsArgs(Pointer memory) {
      super(memory);
    }

    /** Never called: JavaCPP knows the size of a struct only if it has an allocator. */
    native void allocate();

    @MemberSetter
    native RowsArgs sequence(SequenceHandle value);

    @MemberSetter
    @Name("position")
    native RowsArgs firstPosition(int value);

    @MemberSetter
    native RowsArgs n_rows(int value);

    @MemberSetter
    native RowsArgs kind(int value);

    @MemberSetter
    native RowsArgs out_begin(int value);

    @MemberSetter
    native RowsArgs n_out(int value);
  }

  static native String td_last_error();

  static native int td_engine_open(int nThreads, String isa, @ByPtrPtr EngineHandle out);

  static native int td_engine_close(EngineHandle engine);

  static native String td_engine_isa(@Const EngineHandle engine);

  static native int td_engine_threads(@Const EngineHandle engine);

  static native int td_blas_set_path(String path);

  static native int td_blas_description(@Cast("const char**") @ByPtrPtr BytePointer out);

  static native String td_cpu_name();

  static native int td_file_open(String path, long expectedBytes, @ByPtrPtr FileHandle out);

  static native int td_file_check(@Const FileHandle file);

  static native @Const Pointer td_file_data(@Const FileHandle file);

  static native void td_file_close(FileHandle file);

  static native int td_stage_open(
      EngineHandle engine,
      @Const StageOptionsArgs options,
      @Const TensorArgs tensors,
      int nTensors,
      @ByPtrPtr StageHandle out);

  static native int td_reference_open(
      EngineHandle engine,
      @Const StageOptionsArgs options,
      @Const TensorArgs tensors,
      int nTensors,
      int switches,
      @ByPtrPtr StageHandle out);

  static native int td_stage_close(StageHandle stage);

  static native long td_stage_weight_bytes(@Const StageHandle stage);

  static native int td_stage_matrix_types(@Const StageHandle stage);

  static native int td_stage_prompt_kernels(@Const StageHandle stage);

  static native long td_stage_kv_bytes(@Const StageHandle stage, int positions);

  static native int td_sequence_open(
      StageHandle stage, int maxPositions, @ByPtrPtr SequenceHandle out);

  static native int td_sequence_close(SequenceHandle sequence);

  static native int td_sequence_length(@Const SequenceHandle sequence);

  static native int td_sequence_copy(
      @Const SequenceHandle from, int fromPosition, SequenceHandle to, int toPosition, int n);

  static native int td_step(
      StageHandle stage,
      @Const RowsArgs rows,
      int nEntries,
      @Const FloatPointer in,
      long inFloats,
      FloatPointer out,
      long outFloats);

  static native int td_probe_read(EngineHandle engine, long bytes, DoublePointer seconds);

  static native int td_probe_sgemm(EngineHandle engine, int m, int n, int k, DoublePointer seconds);

  static native int td_probe_matmul(
      EngineHandle engine,
      int dtype,
      int prompt,
      int nRows,
      int nOut,
      int nIn,
      DoublePointer seconds);

  static native int td_probe_peak(
      EngineHandle engine, int dtype, DoublePointer operationsPerSecond);
}
