package dev.tandem.engine;

import dev.tandem.engine.TandemApi.RowsArgs;
import dev.tandem.engine.TandemApi.StageHandle;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.CopyingStage;
import dev.tandem.stage.PromptKernel;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;

/** A stage that the native core computes in this process. */
public final class LocalStage implements CopyingStage {
  /** Kept because the tensors' memory must outlive the stage. */
  private final LoadedModel model;

  private final StageSpec spec;
  private final StageHandle stage;
  private final NativeHandle handle;
  private final ArithmeticProfile profile;
  private final DirectAddress inAddress = new DirectAddress();
  private final DirectAddress outAddress = new DirectAddress();
  private RowsArgs rows = new RowsArgs(new BytePointer(TandemApi.structs(RowsArgs.class, 1)));
  private int rowsCapacity = 1;

  /**
   * @param reference what a reference stage saves; empty for the engine's own
   */
  LocalStage(
      LoadedModel model,
      StageSpec spec,
      StageOptions options,
      Optional<ReferenceSwitches> reference)
      throws IOException {
    this.model = model;
    this.spec = spec;
    stage = new StageArguments(model, spec, options, reference).open();
    StageHandle owned = stage;
    handle = new NativeHandle("the stage", () -> TandemApi.td_stage_close(owned), parents(model));
    try {
      profile = profileOf(stage, options);
    } catch (RuntimeException e) {
      handle.run();
      throw e;
    }
    handle.closeWith(this);
  }

  /** Loads the BLAS for its name, if the stage computes with it. */
  private static ArithmeticProfile profileOf(StageHandle stage, StageOptions options) {
    Set<PromptKernel> kernels = NativeCodes.promptKernels(TandemApi.td_stage_prompt_kernels(stage));
    return new ArithmeticProfile(
        "",
        NativeCodes.dtypes(TandemApi.td_stage_matrix_types(stage)),
        options.activationEval(),
        options.kvType(),
        options.mode(),
        options.chunkRows(),
        kernels,
        kernels.contains(PromptKernel.SGEMM) ? Engine.blasDescription() : "");
  }

  private static NativeHandle[] parents(LoadedModel model) {
    NativeHandle[] files = model.handles();
    NativeHandle[] all = java.util.Arrays.copyOf(files, files.length + 1);
    all[files.length] = model.engine().handle();
    return all;
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  /**
   * {@inheritDoc} Its model hash is empty, because a stage does not know it; {@link
   * ArithmeticProfile#withModelHash} adds it.
   */
  @Override
  public ArithmeticProfile profile() {
    return profile;
  }

  /** Bytes of weights that one step reads. */
  public long weightBytes() {
    handle.acquire();
    try {
      return TandemApi.td_stage_weight_bytes(stage);
    } finally {
      handle.release();
    }
  }

  /** Bytes of KV cache for that many positions. */
  public long kvBytes(int positions) {
    handle.acquire();
    try {
      return TandemApi.td_stage_kv_bytes(stage, positions);
    } finally {
      handle.release();
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws NativeException if memory cannot be reserved
   */
  @Override
  public Sequence openSequence(int maxPositions) {
    return new LocalSequence(this, maxPositions);
  }

  /**
   * {@inheritDoc}
   *
   * @throws NativeException if an entry's position is above its sequence's length or its rows do
   *     not fit; the sequences are unchanged
   */
  @Override
  public synchronized void step(Batch batch, FloatBuffer in, FloatBuffer out) {
    int n = batch.size();
    if (n == 0) {
      return;
    }
    handle.acquire();
    int acquired = 0;
    try {
      for (; acquired < n; acquired++) {
        sequence(batch, acquired).handle().acquire();
      }
      fill(batch);
      NativeCalls.check(
          "td_step",
          TandemApi.td_step(
              stage,
              rows.position(0),
              n,
              inAddress.of(in),
              in.capacity(),
              outAddress.of(writable(out)),
              out.capacity()));
    } finally {
      for (int i = 0; i < acquired; i++) {
        sequence(batch, i).handle().release();
      }
      handle.release();
    }
  }

  @Override
  public long stateBytes(int positions) {
    return kvBytes(positions);
  }

  /**
   * {@inheritDoc}
   *
   * @throws NativeException if the positions are not there, or do not fit
   */
  @Override
  public void copy(Sequence from, int fromPosition, Sequence to, int toPosition, int count) {
    LocalSequence source = own(from, "the first sequence");
    LocalSequence target = own(to, "the second sequence");
    source.handle().acquire();
    try {
      target.handle().acquire();
      try {
        NativeCalls.check(
            "td_sequence_copy",
            TandemApi.td_sequence_copy(
                source.pointer(), fromPosition, target.pointer(), toPosition, count));
      } finally {
        target.handle().release();
      }
    } finally {
      source.handle().release();
    }
  }

  private static FloatBuffer writable(FloatBuffer out) {
    if (out.isReadOnly()) {
      throw new IllegalArgumentException("a step needs an output that can be written");
    }
    return out;
  }

  private void fill(Batch batch) {
    int n = batch.size();
    if (n > rowsCapacity) {
      rowsCapacity = 2 * n;
      rows = new RowsArgs(new BytePointer(TandemApi.structs(RowsArgs.class, rowsCapacity)));
    }
    for (int i = 0; i < n; i++) {
      rows.position(i);
      rows.sequence(sequence(batch, i).pointer());
      rows.firstPosition(batch.position(i));
      rows.n_rows(batch.nRows(i));
      rows.kind(NativeCodes.of(batch.kind(i)));
      rows.out_begin(batch.outBegin(i));
      rows.n_out(batch.nOut(i));
    }
  }

  private LocalSequence sequence(Batch batch, int entry) {
    if (batch.sequence(entry) instanceof LocalSequence local && local.stage() == this) {
      return local;
    }
    throw foreign("entry " + entry);
  }

  private LocalSequence own(Sequence sequence, String what) {
    if (sequence instanceof LocalSequence local && local.stage() == this) {
      return local;
    }
    throw foreign(what);
  }

  private static IllegalArgumentException foreign(String what) {
    return new IllegalArgumentException(what + " is a sequence of another stage");
  }

  /** The model of this stage. */
  LoadedModel model() {
    return model;
  }

  StageHandle pointer() {
    return stage;
  }

  NativeHandle handle() {
    return handle;
  }

  /** Frees the stage once its sequences are closed too; idempotent. */
  @Override
  public void close() {
    handle.run();
  }

  /**
   * The address of a direct buffer's first element; remembered as long as the same buffer is used.
   */
  private static final class DirectAddress {
    private FloatBuffer buffer = FloatBuffer.allocate(0);
    private FloatPointer pointer = new FloatPointer((FloatPointer) null);

    @SuppressWarnings("ReferenceEquality") // equals() would compare the floats
    FloatPointer of(FloatBuffer next) {
      if (next != buffer) {
        if (!next.isDirect() || !next.order().equals(ByteOrder.nativeOrder())) {
          throw new IllegalArgumentException("a step needs direct buffers in native byte order");
        }
        pointer = new FloatPointer(next.duplicate().clear());
        buffer = next;
      }
      return pointer;
    }
  }
}
