package dev.tandem.weights;

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
 * The list of {@link ModelHash} as {@code convert} stores it in a GGUF file, so that the file need
 * not be read as a whole whenever its hash is asked for:
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
 * <p>A list counts only if it names exactly the file's tensors with their types and shapes, and the
 * sample is that of the file: other programs copy keys that they do not know, also into a file
 * whose weights they change. A list that lies in spite of that can only mislead those who hold the
 * file: a peer compares it with the digests of its own tensors, and refuses.
 */
final class GgufHashes {
  private static final String PREFIX = "tandem.hash.";
  private static final int VERSION = 1;
  private static final int MAX_TENSORS = 1 << 16;

  /** As many hex digits as a SHA-256 has: what stands in a header before the digests are known. */
  static final String UNKNOWN = "0".repeat(64);

  private static final int PIECES = 4;
  private static final int PIECE_BYTES = 256;

  private GgufHashes() {}

  /**
   * The digests that a file states.
   *
   * @param tensors all tensors of the file's model
   * @return by name; empty if there is no list, or one that does not fit the tensors
   * @throws IOException if the file cannot be read
   */
  static Map<String, String> read(GgufMetadata keys, Collection<Tensor> tensors)
      throws IOException {
    if (!keys.has(PREFIX + "version")) {
      return Map.of();
    }
    try {
      String[] names = keys.texts(PREFIX + "names", MAX_TENSORS);
      String[] types = keys.texts(PREFIX + "types", MAX_TENSORS);
      long[] rows = keys.integers(PREFIX + "rows", MAX_TENSORS);
      long[] cols = keys.integers(PREFIX + "cols", MAX_TENSORS);
      String[] digests = keys.texts(PREFIX + "sha256", MAX_TENSORS);
      int n = tensors.size();
      boolean whole =
          names.length == n
              && types.length == n
              && rows.length == n
              && cols.length == n
              && digests.length == n
              && keys.integer(PREFIX + "version") == VERSION;
      if (!whole) {
        return Map.of();
      }
      Map<String, Integer> indices = new HashMap<>();
      for (int i = 0; i < n; i++) {
        indices.put(names[i], i);
      }
      Map<String, String> byName = new HashMap<>();
      for (Tensor tensor : tensors) {
        int i = indices.getOrDefault(tensor.name(), -1);
        boolean equal =
            i >= 0
                && types[i].equals(TensorDigest.hashedType(tensor).name())
                && rows[i] == tensor.rows()
                && cols[i] == tensor.cols()
                && digests[i].matches("[0-9a-f]{64}");
        if (!equal) {
          return Map.of();
        }
        byName.put(tensor.name(), digests[i]);
      }
      return keys.text(PREFIX + "sample").equals(sample(tensors)) ? byName : Map.of();
    } catch (ModelFormatException e) {
      return Map.of(); // a key has another type: not ours
    }
  }

  /**
   * Adds the list to a header.
   *
   * @param digests by name; {@link #UNKNOWN} for those that are missing
   * @param sample of the file, or {@link #UNKNOWN}
   */
  static void write(GgufHeader header, TypePlan plan, Map<String, String> digests, String sample) {
    List<String> names = new ArrayList<>();
    List<String> types = new ArrayList<>();
    List<String> hex = new ArrayList<>();
    long[] rows = new long[plan.choices().size()];
    long[] cols = new long[plan.choices().size()];
    for (TypePlan.Choice choice : plan.choices()) {
      Tensor tensor = choice.tensor();
      rows[names.size()] = tensor.rows();
      cols[names.size()] = tensor.cols();
      names.add(tensor.name());
      types.add(choice.type().name());
      hex.add(digests.getOrDefault(tensor.name(), UNKNOWN));
    }
    header.u32(PREFIX + "version", VERSION);
    header.texts(PREFIX + "names", names);
    header.texts(PREFIX + "types", types);
    header.u64s(PREFIX + "rows", rows);
    header.u64s(PREFIX + "cols", cols);
    header.texts(PREFIX + "sha256", hex);
    header.text(PREFIX + "sample", sample);
  }

  /**
   * SHA-256 over each tensor's name and four pieces of its stored bytes, of up to 256 B, spread
   * evenly from the first byte to the last; in the order of the names. It costs little, and a file
   * whose weights were changed has another one.
   *
   * @throws IOException if the file cannot be read
   */
  static String sample(Collection<Tensor> tensors) throws IOException {
    MessageDigest digest = TensorDigest.sha256();
    List<Tensor> sorted = new ArrayList<>(tensors);
    sorted.sort((a, b) -> a.name().compareTo(b.name()));
    for (Tensor tensor : sorted) {
      digest.update(tensor.name().getBytes(StandardCharsets.UTF_8));
      TensorData data = tensor.data();
      int length = (int) Math.min(PIECE_BYTES, data.bytes());
      for (int piece = 0; piece < PIECES; piece++) {
        long offset = (data.bytes() - length) / (PIECES - 1) * piece;
        digest.update(data.slice(offset, length));
      }
    }
    return TensorDigest.hex(digest.digest());
  }
}
