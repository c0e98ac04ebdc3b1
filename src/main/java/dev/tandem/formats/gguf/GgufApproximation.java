package dev.tandem.formats.gguf;

import dev.tandem.model.Approximation;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The keys of a part that holds tensors in a smaller type than the model:
 *
 * <pre>
 * tandem.approximate.type    string   q8_0 ...: the type that was asked for
 * tandem.approximate.*                a list as {@link GgufHashes}: these tensors as they are here
 * </pre>
 */
final class GgufApproximation {
  private static final String PREFIX = "tandem.approximate.";
  private static final String TYPE = PREFIX + "type";

  private GgufApproximation() {}

  /**
   * What a file states; empty if all its tensors are the model's own.
   *
   * @throws ModelFormatException if a key is missing or wrong
   */
  static Optional<Approximation> read(GgufMetadata keys) throws IOException {
    if (keys.keys().stream().noneMatch(key -> key.startsWith(PREFIX))) {
      return Optional.empty();
    }
    List<ModelHash.Entry> tensors = GgufHashes.entries(keys, PREFIX);
    if (tensors.isEmpty()) {
      throw keys.wrong(PREFIX + "names", "a list of tensors, with their types and digests");
    }
    try {
      DType type = DType.valueOf(keys.text(TYPE).toUpperCase(Locale.ROOT));
      return Optional.of(new Approximation(type, tensors));
    } catch (IllegalArgumentException e) {
      throw keys.wrong(TYPE, "a type of tensors");
    }
  }

  /** Adds the keys to a header. */
  static void write(GgufHeader header, Approximation approximation) {
    header.text(TYPE, approximation.typeName());
    GgufHashes.writeList(header, approximation.tensors(), PREFIX);
  }
}
