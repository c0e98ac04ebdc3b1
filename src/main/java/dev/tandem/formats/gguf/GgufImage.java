package dev.tandem.formats.gguf;

import dev.tandem.model.Approximation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.model.TensorBytes;
import dev.tandem.model.TensorDigest;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorFile;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A client's part of a model as the bytes of a GGUF file that does not exist: any range of them can
 * be read. Memory holds the header only; the tensors are read where they are. Equal parts of equal
 * models with equal tokenizers give equal bytes. Safe for use by many threads.
 */
public final class GgufImage {
  private static final int PIECE_BYTES = 1 << 16;

  private final byte[] header;
  private final String headerHash;
  private final List<TypePlan.Choice> tensors;
  private final long bytes;

  private GgufImage(byte[] header, List<TypePlan.Choice> tensors) {
    this.header = header;
    this.headerHash = TensorDigest.hex(TensorDigest.sha256().digest(header));
    this.tensors = tensors;
    this.bytes =
        header.length
            + tensors.stream().mapToLong(choice -> GgufHeader.padded(choice.bytes())).sum();
  }

  /**
   * The image of a part, in the model's own types.
   *
   * @param part holds the embedding, and knows its model; must stay open
   * @throws ModelFormatException if GGUF cannot hold the model or its tokenizer
   * @throws IOException if a file cannot be read
   */
  public static GgufImage of(Checkpoint part) throws IOException {
    TypePlan plan = TypePlan.of(part, Optional.empty(), EnumSet.allOf(DType.class));
    return new GgufImage(GgufWriter.partHeader(part, plan, Optional.empty()), plan.choices());
  }

  /**
   * The image of a part whose matrices have a smaller type. They are converted here once, for the
   * digests in the header, and again while they are read, so that memory does not grow.
   *
   * @param part holds the embedding, and knows its model; must stay open
   * @throws InvalidSettingException if the type has no fewer bits than the part's own types
   * @throws ModelFormatException if the type cannot hold a value, or GGUF the model
   * @throws InterruptedIOException if the thread is interrupted
   * @throws IOException if a file cannot be read
   */
  public static GgufImage approximate(Checkpoint part, DType type) throws IOException {
    TypePlan plan = TypePlan.smaller(part, type);
    List<TypePlan.Choice> changed =
        plan.choices().stream().filter(TypePlan.Choice::changes).toList();
    InvalidSettingException.require(
        !changed.isEmpty(),
        "type",
        "must have fewer bits than the model's own types",
        TypePlan.name(type));
    List<ModelHash.Entry> converted = new ArrayList<>();
    TensorBytes source = new TensorBytes();
    for (TypePlan.Choice choice : changed) {
      converted.add(entry(choice, source));
    }
    Approximation stated = new Approximation(type, converted);
    return new GgufImage(GgufWriter.partHeader(part, plan, Optional.of(stated)), plan.choices());
  }

  private static ModelHash.Entry entry(TypePlan.Choice choice, TensorBytes source)
      throws IOException {
    Tensor tensor = choice.tensor();
    MessageDigest digest = TensorDigest.sha256();
    source.forEach(
        tensor,
        choice.type(),
        bytes -> {
          if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("the conversion was interrupted");
          }
          digest.update(bytes);
        });
    return new ModelHash.Entry(
        tensor.name(),
        choice.type(),
        tensor.rows(),
        tensor.cols(),
        TensorDigest.hex(digest.digest()));
  }

  /**
   * The {@link #headerHash} of a file.
   *
   * @throws IOException if it cannot be read, or is no GGUF file
   */
  public static String headerHash(Path path) throws IOException {
    try (TensorFile file = TensorFile.open(path)) {
      TensorData content = new FileRegion(file, 0, file.bytes());
      MessageDigest digest = TensorDigest.sha256();
      long end = GgufFile.read(path.toString(), content).dataBegin();
      for (long at = 0; at < end; at += PIECE_BYTES) {
        digest.update(content.slice(at, (int) Math.min(PIECE_BYTES, end - at)));
      }
      return TensorDigest.hex(digest.digest());
    }
  }

  /** The length of the file. */
  public long bytes() {
    return bytes;
  }

  /**
   * SHA-256 of everything before the tensors' data, in lower-case hex. The header holds the hashes
   * of all tensors, so this identifies all bytes of the file.
   */
  public String headerHash() {
    return headerHash;
  }

  /**
   * Gives the bytes {@code from .. to - 1} to a sink, in order.
   *
   * @throws IndexOutOfBoundsException if the range is not within the file
   * @throws IOException if a file cannot be read, or the sink fails
   */
  public void copy(long from, long to, TensorBytes.Sink sink) throws IOException {
    Objects.checkFromToIndex(from, to, bytes);
    if (from < header.length) {
      int end = (int) Math.min(to, header.length);
      sink.accept(ByteBuffer.wrap(header, (int) from, end - (int) from).asReadOnlyBuffer());
    }
    TensorBytes source = new TensorBytes();
    long at = header.length;
    for (TypePlan.Choice choice : tensors) {
      long end = at + GgufHeader.padded(choice.bytes());
      if (at < to && end > from) {
        copy(choice, Math.max(from, at) - at, Math.min(to, end) - at, source, sink);
      }
      at = end;
    }
  }

  /** A range of one tensor and its padding. */
  private static void copy(
      TypePlan.Choice choice, long from, long to, TensorBytes source, TensorBytes.Sink sink)
      throws IOException {
    long end = Math.min(to, choice.bytes());
    if (from < end) {
      Tensor tensor = choice.tensor();
      DType type = choice.type();
      if (tensor.transposed() || tensor.rows() == 1) {
        source.forEach(tensor, type, new Window(from, end, sink));
      } else {
        long rowBytes = type.bytes(tensor.cols());
        long first = from / rowBytes;
        Tensor rows = rows(tensor, first, (end + rowBytes - 1) / rowBytes);
        long offset = first * rowBytes;
        source.forEach(rows, type, new Window(from - offset, end - offset, sink));
      }
    }
    if (to > choice.bytes()) {
      sink.accept(ByteBuffer.allocate((int) (to - Math.max(from, choice.bytes()))));
    }
  }

  /** Some rows of a tensor that is stored row by row. */
  private static Tensor rows(Tensor tensor, long first, long end) {
    long rowBytes = tensor.dtype().bytes(tensor.cols());
    TensorData data = tensor.data().region(first * rowBytes, (end - first) * rowBytes);
    return new Tensor(tensor.name(), tensor.dtype(), end - first, tensor.cols(), false, data);
  }

  /** Passes on the bytes {@code from .. to - 1} of all that it receives. */
  private static final class Window implements TensorBytes.Sink {
    private final long from;
    private final long to;
    private final TensorBytes.Sink sink;
    private long at;

    Window(long from, long to, TensorBytes.Sink sink) {
      this.from = from;
      this.to = to;
      this.sink = sink;
    }

    @Override
    public void accept(ByteBuffer bytes) throws IOException {
      int n = bytes.remaining();
      int begin = (int) Math.min(n, Math.max(0, from - at));
      int end = (int) Math.max(begin, Math.min(n, to - at));
      at += n;
      if (begin < end) {
        int position = bytes.position();
        sink.accept(bytes.duplicate().position(position + begin).limit(position + end));
      }
    }
  }
}
