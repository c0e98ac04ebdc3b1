package dev.tandem.engine;

import dev.tandem.engine.TandemApi.FileHandle;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.Tables;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A checkpoint whose tensors the native core can see. Stages opened from it share the weights: f32,
 * f16 and bf16 matrices are used where they lie in the mapped file. The core rearranges other
 * matrices and keeps one copy of them.
 */
public final class LoadedModel implements AutoCloseable {
  private static final int COPY_BYTES = 1 << 20;

  private final Engine engine;
  private final Checkpoint checkpoint;
  private final Map<Path, Mapping> mappings = new HashMap<>();
  private final Map<String, ByteBuffer> copies = new HashMap<>();
  private Optional<Tables.Rope> rope = Optional.empty();

  LoadedModel(Engine engine, Checkpoint checkpoint) throws IOException {
    this.engine = engine;
    this.checkpoint = checkpoint;
    try {
      for (Tensor tensor : checkpoint.tensors().values()) {
        if (tensor.data() instanceof TensorData.FileRegion region) {
          Mapping mapping = mappings.get(region.file());
          if (mapping == null) {
            mappings.put(region.file(), new Mapping(region));
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The model's configuration. */
  ModelConfig config() {
    return checkpoint.config();
  }

  /** The checkpoint that it was loaded from. */
  Checkpoint checkpoint() {
    return checkpoint;
  }

  /**
   * Opens a stage of this model.
   *
   * @throws IOException if the model's file has shrunk
   * @throws MissingSpanException if the checkpoint does not hold all of the span
   * @throws NativeException if a tensor is missing or has a wrong shape, memory is short, or the
   *     stage needs the BLAS and it cannot be loaded
   */
  public LocalStage openStage(Span span, StageOptions options) throws IOException {
    return new LocalStage(this, spec(span), options, Optional.empty());
  }

  /**
   * Opens a stage of the reference implementation, which is written to be read and to be compared
   * with, not to be fast.
   *
   * @param switches the savings to use
   * @throws IOException if the model's file has shrunk
   * @throws MissingSpanException if the checkpoint does not hold all of the span
   * @throws NativeException if a tensor is missing or has a wrong shape, memory is short, or the
   *     stage needs the BLAS and it cannot be loaded
   */
  public LocalStage openReference(Span span, ReferenceSwitches switches, ActivationEval eval)
      throws IOException {
    StageOptions options =
        new StageOptions(
            ArithmeticMode.REFERENCE, eval, KvType.F32, ArithmeticProfile.DEFAULT_CHUNK_ROWS);
    return new LocalStage(this, spec(span), options, Optional.of(switches));
  }

  /** What a stage is, once it is sure that the checkpoint holds it and that its files are there. */
  private StageSpec spec(Span span) throws IOException {
    ModelConfig config = config();
    checkpoint.checkHolds(span);
    for (Mapping mapping : mappings.values()) {
      mapping.check();
    }
    return new StageSpec(span, config.dModel(), config.vocabSize(), config.maxSeq());
  }

  Engine engine() {
    return engine;
  }

  NativeHandle[] handles() {
    return mappings.values().stream().map(m -> m.handle).toArray(NativeHandle[]::new);
  }

  /**
   * The address of a tensor's data in memory.
   *
   * @throws IOException if the data must be copied to memory and cannot be read
   */
  Pointer address(Tensor tensor) throws IOException {
    TensorData data = tensor.data();
    if (data instanceof TensorData.FileRegion region) {
      return Objects.requireNonNull(mappings.get(region.file())).at(region.offset());
    }
    ByteBuffer memory =
        data instanceof TensorData.MemoryRegion region ? region.buffer() : copy(tensor);
    return new BytePointer(memory.duplicate().clear());
  }

  /**
   * The rotary angles, computed once for all stages.
   *
   * @throws IOException if the factors of the frequencies cannot be read
   */
  synchronized Tables.Rope rope() throws IOException {
    if (rope.isEmpty()) {
      float[] factors = new float[0];
      if (config().ropeFactors()) {
        factors = new float[config().headDim() / 2];
        checkpoint.tensor("rope_freqs.weight").read(0, factors.length, factors, 0);
      }
      rope = Optional.of(Tables.rope(config(), factors));
    }
    return rope.get();
  }

  /** A copy of data that no file holds in our layout; it lives as long as the model. */
  private synchronized ByteBuffer copy(Tensor tensor) throws IOException {
    ByteBuffer known = copies.get(tensor.name());
    if (known != null) {
      return known;
    }
    TensorData data = tensor.data();
    if (data.bytes() > Integer.MAX_VALUE - TensorData.MemoryRegion.ALIGNMENT) {
      throw new IOException(
          tensor.name() + ": " + data.bytes() + " B to rearrange; convert the model to GGUF first");
    }
    ByteBuffer memory = TensorData.MemoryRegion.allocate((int) data.bytes());
    for (int at = 0; at < memory.capacity(); at += COPY_BYTES) {
      int n = Math.min(COPY_BYTES, memory.capacity() - at);
      memory.put(at, data.slice(at, n), 0, n);
    }
    copies.put(tensor.name(), memory);
    return memory;
  }

  /** Unmaps the files once all stages are closed too; idempotent. */
  @Override
  public void close() {
    mappings.values().forEach(m -> m.handle.run());
  }

  /** One mapped file. */
  private static final class Mapping {
    private final Path path;
    private final FileHandle file = new FileHandle();
    private final NativeHandle handle;
    private final Pointer start;

    Mapping(TensorData.FileRegion region) throws IOException {
      path = region.file();
      int status = TandemApi.td_file_open(path.toString(), region.fileBytes(), file);
      if (status != TandemApi.OK) {
        throw new IOException(path + ": " + TandemApi.td_last_error());
      }
      FileHandle owned = file;
      handle = new NativeHandle(path.toString(), () -> TandemApi.td_file_close(owned));
      handle.closeWith(this);
      start = TandemApi.td_file_data(file);
    }

    void check() throws IOException {
      if (TandemApi.td_file_check(file) != TandemApi.OK) {
        throw new IOException(path + ": " + TandemApi.td_last_error());
      }
    }

    Pointer at(long offset) {
      return new BytePointer(start).getPointer(offset);
    }
  }
}
