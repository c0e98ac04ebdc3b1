package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelFormatException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A model's foreign tensors by their names, without the prefixes of wrappers. It remembers which
 * tensors a reader used, because an unused tensor would silently be missing from the model.
 */
final class NamedTensors {
  /**
   * The prefixes of torch.compile, of data-parallel training, and of Hugging Face's model classes.
   */
  private static final List<String> PREFIXES =
      List.of("_orig_mod.", "module.", "transformer.", "model.");

  private final String path;
  private final Map<String, ForeignTensor> byName = new LinkedHashMap<>();
  private final Set<String> used = new HashSet<>();

  /**
   * The tensors of a model.
   *
   * @throws ModelFormatException if two names differ only in their prefixes
   */
  NamedTensors(ForeignFiles files) throws ModelFormatException {
    path = files.path();
    for (ForeignTensor tensor : files.tensors().values()) {
      String name = withoutPrefixes(tensor.name());
      if (byName.put(name, tensor) != null) {
        throw new ModelFormatException(tensor.path(), name, "one such tensor", "two");
      }
    }
  }

  private static String withoutPrefixes(String name) {
    int at = 0;
    for (int length = -1; length != 0; at += length) {
      length = 0;
      for (String prefix : PREFIXES) {
        length = name.startsWith(prefix, at) ? prefix.length() : length;
      }
    }
    return name.substring(at);
  }

  /** The file, or the index of several, for messages. */
  String path() {
    return path;
  }

  /** A tensor that may be absent. */
  Optional<ForeignTensor> find(String name) {
    used.add(name);
    return Optional.ofNullable(byName.get(name));
  }

  /**
   * Takes the head of a model for the token embedding too, where only the head is stored and the
   * config does not say that they differ.
   *
   * @return whether it did
   * @throws ModelFormatException if the config's {@code tie_word_embeddings} is no flag
   */
  boolean tieToHead(String embedding, String head, JsonObject config) throws ModelFormatException {
    ForeignTensor only = byName.get(head);
    boolean tied =
        only != null && !byName.containsKey(embedding) && config.flag("tie_word_embeddings", true);
    if (tied && only != null) {
      byName.put(embedding, only);
    }
    return tied;
  }

  /** Whether there is such a tensor. */
  boolean contains(String name) {
    return byName.containsKey(name);
  }

  /**
   * A tensor that must exist.
   *
   * @param shape for the message
   * @throws ModelFormatException if it does not
   */
  ForeignTensor require(String name, List<Long> shape) throws ModelFormatException {
    Optional<ForeignTensor> tensor = find(name);
    if (tensor.isEmpty()) {
      throw new ModelFormatException(path, name, "a tensor of shape " + shape, "none");
    }
    return tensor.get();
  }

  /** An extent of a tensor, if it exists and has that dimension. */
  OptionalInt extent(String name, int dimension) {
    ForeignTensor tensor = byName.get(name);
    return tensor == null || tensor.shape().size() <= dimension
        ? OptionalInt.empty()
        : OptionalInt.of((int) Math.min(tensor.shape().get(dimension), Integer.MAX_VALUE));
  }

  /** The number of layers, by a tensor's name with %d for the layer's number. */
  int countLayers(String pattern) {
    int count = 0;
    while (byName.containsKey(String.format(Locale.ROOT, pattern, count))) {
      count++;
    }
    return count;
  }

  /**
   * Checks that every tensor was used.
   *
   * @param ignored whole names of tensors that are not weights
   * @throws ModelFormatException naming the first unused one
   */
  void requireAllUsed(Pattern ignored) throws ModelFormatException {
    for (Map.Entry<String, ForeignTensor> entry : byName.entrySet()) {
      if (!used.contains(entry.getKey()) && !ignored.matcher(entry.getKey()).matches()) {
        ForeignTensor tensor = entry.getValue();
        throw new ModelFormatException(tensor.path(), tensor.name(), "no such tensor", "one");
      }
    }
  }

  /** The name of the first tensor, for messages. */
  String anyName() {
    return byName.keySet().stream().findFirst().orElse("no tensors at all");
  }
}
