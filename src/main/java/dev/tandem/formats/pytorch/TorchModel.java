package dev.tandem.formats.pytorch;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.families.ForeignTensor;
import dev.tandem.formats.families.ForeignTensor.Stored;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.pytorch.Pickle.Inert;
import dev.tandem.formats.pytorch.TorchObjects.View;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.StridedData;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What {@code torch.save} was given: weights by name, at the top or one level down, perhaps the
 * model's config, and other things that do not matter.
 */
final class TorchModel {
  private static final int MAX_TENSORS = 1 << 16;

  /** Names of unknown things that a note lists. */
  private static final int MAX_NAMES = 8;

  /** Under which names checkpoints keep the weights beside other things. */
  private static final List<String> STATE_DICTS =
      List.of("model", "state_dict", "model_state_dict");

  /** Under which names they keep the model's config; nanoGPT's is the first. */
  private static final List<String> CONFIGS = List.of("model_args", "model_config", "config");

  /** One of these keys tells a model's config from one of its training. */
  private static final List<String> WIDTHS = List.of("n_embd", "emb_dim", "hidden_size", "dim");

  /** Where the elements of the storages are. */
  @FunctionalInterface
  interface Storages {
    /**
     * The bytes of a storage.
     *
     * @throws ModelFormatException if the file has no such storage
     */
    TensorData data(String key) throws IOException;
  }

  private final String path;
  private final Storages storages;

  private TorchModel(String path, Storages storages) {
    this.path = path;
    this.storages = storages;
  }

  /**
   * The tensors of the state_dict, and the config that may be beside it.
   *
   * @param path for messages
   * @param top what the file's pickle holds
   * @param unknown names of classes and functions in the pickle that are not known
   * @throws ModelFormatException if there is no state_dict, or something in it is no tensor
   */
  static ForeignFiles.Content content(
      String path, Object top, Set<String> unknown, Storages storages) throws ModelFormatException {
    return new TorchModel(path, storages).content(top, unknown);
  }

  private ForeignFiles.Content content(Object top, Set<String> unknown)
      throws ModelFormatException {
    if (!(top instanceof Map<?, ?> members)) {
      throw noStateDict(
          top instanceof Inert inert ? "an object of " + inert.name() : "something else");
    }
    Map<String, ForeignTensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<?, ?> member : stateDict(members).entrySet()) {
      if (!(member.getKey() instanceof String name)) {
        continue;
      }
      if (member.getValue() instanceof View view) {
        tensors.put(name, new ForeignTensor(path, name, view.shape(), () -> stored(name, view)));
      } else if (member.getValue() instanceof Inert inert && name.indexOf('.') >= 0) {
        throw wrong(name, "a tensor", "an object of " + inert.name() + ", which is not supported");
      }
    }
    if (tensors.size() > MAX_TENSORS) {
      throw new ModelFormatException(path, "more than " + MAX_TENSORS + " tensors");
    }
    return new ForeignFiles.Content(tensors, config(members), notes(unknown));
  }

  private static List<Note> notes(Set<String> unknown) {
    if (unknown.isEmpty()) {
      return List.of();
    }
    List<String> names = new ArrayList<>(unknown);
    String rest = names.size() > MAX_NAMES ? " and " + (names.size() - MAX_NAMES) + " more" : "";
    return List.of(
        new Note(
            "left out what is neither a tensor nor plain data, and ran none of it: "
                + String.join(", ", names.subList(0, Math.min(MAX_NAMES, names.size())))
                + rest));
  }

  /**
   * One level down takes precedence: a checkpoint may have a tensor, such as the best loss, at the
   * top.
   */
  private Map<?, ?> stateDict(Map<?, ?> top) throws ModelFormatException {
    for (String key : STATE_DICTS) {
      if (top.get(key) instanceof Map<?, ?> inner && holdsTensors(inner)) {
        return inner;
      }
    }
    if (!holdsTensors(top)) {
      throw noStateDict("a dictionary without tensors");
    }
    return top;
  }

  private static boolean holdsTensors(Map<?, ?> map) {
    return map.values().stream().anyMatch(View.class::isInstance);
  }

  private ModelFormatException noStateDict(String got) {
    return wrong(
        "pickle",
        "a state_dict at the top or under "
            + String.join(", ", STATE_DICTS)
            + " (torch.save(model.state_dict(), FILE) writes one)",
        got);
  }

  private JsonObject config(Map<?, ?> top) {
    for (String key : CONFIGS) {
      Object value = top.get(key);
      Map<?, ?> members =
          value instanceof Map<?, ?> map
              ? map
              : value instanceof Inert inert ? inert.attributes() : Map.of();
      if (WIDTHS.stream().anyMatch(members::containsKey)) {
        Map<String, Object> plain = new LinkedHashMap<>();
        members.forEach(
            (name, member) -> {
              boolean scalar =
                  member instanceof String
                      || member instanceof Long
                      || member instanceof Double
                      || member instanceof Boolean;
              if (name instanceof String text && scalar) {
                plain.put(text, member);
              }
            });
        return JsonObject.of(path + ": " + key, plain);
      }
    }
    return JsonObject.empty(path);
  }

  private Stored stored(String name, View view) throws IOException {
    Optional<DType> dtype = view.storage().dtype();
    if (dtype.isEmpty()) {
      throw wrong(name, "a FloatStorage, HalfStorage or BFloat16Storage", view.storage().type());
    }
    int elementBytes = view.storage().elementBytes();
    TensorData storage = storages.data(view.storage().key());
    if (storage.bytes() / elementBytes != view.storage().elements()
        || storage.bytes() % elementBytes != 0) {
      throw wrong(
          name, view.storage().elements() + " elements in its storage", storage.bytes() + " B");
    }
    try {
      return stored(dtype.get(), view, storage);
    } catch (IllegalArgumentException | IndexOutOfBoundsException | ArithmeticException e) {
      throw wrong(
          name,
          "a part of its storage of " + view.storage().elements() + " elements",
          "shape " + view.shape() + ", strides " + view.strides() + " at " + view.offset());
    }
  }

  private static Stored stored(DType dtype, View view, TensorData storage) {
    int elementBytes = dtype.elementBytes();
    int rank = view.shape().size();
    long elements = 1;
    boolean contiguous = true;
    for (int i = rank - 1; i >= 0; i--) {
      contiguous &= view.shape().get(i) == 1 || view.strides().get(i) == elements;
      elements = Math.multiplyExact(elements, view.shape().get(i));
    }
    boolean turned =
        rank == 2
            && view.strides().get(0) == 1
            && view.strides().get(1).equals(view.shape().get(0));
    if (contiguous || turned) {
      long offset = Math.multiplyExact(view.offset(), elementBytes);
      TensorData data = storage.region(offset, dtype.bytes(elements));
      return new Stored(dtype, !contiguous, data);
    }
    if (rank > 2) {
      throw new IllegalArgumentException("only matrices and vectors may lie apart");
    }
    boolean matrix = rank == 2;
    TensorData data =
        new StridedData(
            storage,
            elementBytes,
            view.offset(),
            matrix ? view.shape().get(0) : 1,
            view.shape().get(rank - 1),
            matrix ? view.strides().get(0) : 0,
            view.strides().get(rank - 1));
    return new Stored(dtype, false, data);
  }

  private ModelFormatException wrong(String what, String expected, String got) {
    return new ModelFormatException(path, what, expected, got);
  }
}
