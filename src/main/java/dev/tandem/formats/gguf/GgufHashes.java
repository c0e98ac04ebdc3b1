package dev.tandem.formats.gguf;

import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.model.TensorDigest;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The list of {@link ModelHash} that {@code convert} stores in a GGUF file, so that computing the
 * hash need not read the whole file:
 *
 * <pre>
 * tandem.hash.version     u32 1
 * tandem.hash.names       [string]   canonical names, in file order
 * tandem.hash.types       [string]   F16 ..., F32 for vectors
 * tandem.hash.rows, cols  [u64]
 * tandem.hash.sha256      [string]   of the normalised bytes, lower-case hex
 * tandem.hash.sample      string     SHA-256 of some bytes of every tensor, see {@link #sample}
 * </pre>
 *
 * <p>A list counts only if it names exactly the file's tensors (in a file with a part of a model:
 * at least those) with their types and shapes, and if the sample is that of the file. Other
 * programs copy keys that they do not know, even into a file whose weights they change. A list that
 * is wrong in spite of these checks misleads only the owner of the file: a peer compares it with
 * the digests of its own tensors, and refuses it.
 */
final class GgufHashes {
  private static final String PREFIX = "tandem.hash.";
  private static final int VERSION = 1;
  private static final int MAX_TENSORS = 1 << 16;

  /** What a header holds until the digests are known: as many hex digits as a SHA-256. */
  static final String UNKNOWN = "0".repeat(64);

  private static final int PIECES = 4;
  private static final int PIECE_BYTES = 256;

  private GgufHashes() {}

  /**
   * The whole list in the file.
   *
   * @return in the file's order; empty if there is none, or it is malformed
   * @throws IOException if the file cannot be read
   */
  static List<ModelHash.Entry> entries(GgufMetadata keys) throws IOException {
    return entries(keys, PREFIX);
  }

  /** A list of the same form under other keys. */
  static List<ModelHash.Entry> entries(GgufMetadata keys, String prefix) throws IOException {
    if (!keys.has(prefix + "version")) {
      return List.of();
    }
    try {
      String[] names = keys.texts(prefix + "names", MAX_TENSORS);
      String[] types = keys.texts(prefix + "types", MAX_TENSORS);
      long[] rows = keys.integers(prefix + "rows", MAX_TENSORS);
      long[] cols = keys.integers(prefix + "cols", MAX_TENSORS);
      String[] digests = keys.texts(prefix + "sha256", MAX_TENSORS);
      int n = names.length;
      if (types.length != n
          || rows.length != n
          || cols.length != n
          || digests.length != n
          || keys.integer(prefix + "version") != VERSION) {
        return List.of();
      }
      List<ModelHash.Entry> entries = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        if (!digests[i].matches("[0-9a-f]{64}")) {
          return List.of();
        }
        DType type = DType.valueOf(types[i]);
        entries.add(new ModelHash.Entry(names[i], type, rows[i], cols[i], digests[i]));
      }
      return entries;
    } catch (ModelFormatException | IllegalArgumentException e) {
      return List.of(); // a key has another type, or a type another name: not written by Tandem
    }
  }

  /**
   * The digests of its tensors that a file states.
   *
   * @param tensors all tensors of the file
   * @param part whether the list may also name the other tensors of the whole model
   * @return by name; empty if there is no list, or one that does not fit the tensors
   * @throws IOException if the file cannot be read
   */
  static Map<String, String> read(GgufMetadata keys, Collection<Tensor> tensors, boolean part)
      throws IOException {
    Map<String, ModelHash.Entry> listed = new HashMap<>();
    for (ModelHash.Entry entry : entries(keys)) {
      listed.put(entry.name(), entry);
    }
    if (listed.isEmpty() || (!part && listed.size() != tensors.size())) {
      return Map.of();
    }
    Map<String, String> byName = new HashMap<>();
    for (Tensor tensor : tensors) {
      ModelHash.Entry entry = listed.get(tensor.name());
      if (entry == null
          || entry.dtype() != TensorDigest.hashedType(tensor)
          || entry.rows() != tensor.rows()
          || entry.cols() != tensor.cols()) {
        return Map.of();
      }
      byName.put(tensor.name(), entry.sha256());
    }
    try {
      return keys.text(PREFIX + "sample").equals(sample(tensors)) ? byName : Map.of();
    } catch (ModelFormatException e) {
      return Map.of(); // the file has no list
    }
  }

  /**
   * Adds a list to a header.
   *
   * @param entries the entries; an unknown digest is {@link #UNKNOWN}
   * @param sample the sample of the file, or {@link #UNKNOWN}
   */
  static void write(GgufHeader header, List<ModelHash.Entry> entries, String sample) {
    writeList(header, entries, PREFIX);
    header.text(PREFIX + "sample", sample);
  }

  /** A list of the same form under other keys. */
  static void writeList(GgufHeader header, List<ModelHash.Entry> entries, String prefix) {
    header.u32(prefix + "version", VERSION);
    header.texts(prefix + "names", entries.stream().map(ModelHash.Entry::name).toList());
    header.texts(prefix + "types", entries.stream().map(entry -> entry.dtype().name()).toList());
    header.u64s(prefix + "rows", entries.stream().mapToLong(ModelHash.Entry::rows).toArray());
    header.u64s(prefix + "cols", entries.stream().mapToLong(ModelHash.Entry::cols).toArray());
    header.texts(prefix + "sha256", entries.stream().map(ModelHash.Entry::sha256).toList());
  }

  /**
   * SHA-256 over each tensor's name and four pieces of its stored bytes, of up to 256 B, spread
   * evenly from the first byte to the last; in the order of the names. It costs little, and changed
   * weights give another sample.
   *
   * @throws IOException if the file cannot be read
   */
  static String sample(Collection<Tensor> tensors) throws IOException {
    MessageDigest digest = TensorDigest.sha256();
    List<Tensor> sorted = new ArrayList<>(tensors);
    sorted.sort((a, b) -> a.name().compareTo(b.name()));
    for (Tensor tensor : sorted) {
      digest.update(tensor.name().getBytes(StandardCharsets.UTF_8));
      update(digest, tensor.data());
    }
    return TensorDigest.hex(digest.digest());
  }

  /**
   * SHA-256 over the pieces of one tensor's bytes.
   *
   * @throws IOException if the file cannot be read
   */
  static String sample(TensorData data) throws IOException {
    MessageDigest digest = TensorDigest.sha256();
    update(digest, data);
    return TensorDigest.hex(digest.digest());
  }

  private static void update(MessageDigest digest, TensorData data) throws IOException {
    int length = (int) Math.min(PIECE_BYTES, data.bytes());
    for (int piece = 0; piece < PIECES; piece++) {
      long offset = (data.bytes() - length) / (PIECES - 1) * piece;
      digest.update(data.slice(offset, length));
    }
  }
}
