package dev.tandem.formats.pytorch;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.families.ForeignTensor;
import dev.tandem.formats.families.ForeignTensor.Stored;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.pytorch.TorchObjects.View;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.StridedData;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file of {@code torch.save} since PyTorch 1.6: a zip archive with a pickle of the objects
 * ({@code NAME/data.pkl}) and the elements of each storage ({@code NAME/data/KEY}). Nothing in it
 * is executed.
 */
final class TorchFile {
  private static final String PICKLE = "data.pkl";
  private static final String BYTE_ORDER = "byteorder";
  private static final int MAX_PICKLE_BYTES = 16 << 20;
  private static final int MAX_TENSORS = 1 << 16;

  /** The names under which checkpoints keep the weights. */
  private static final List<String> STATE_DICTS =
      List.of("model", "state_dict", "model_state_dict");

  /** The names under which checkpoints keep the model's config; nanoGPT's name is the first. */
  private static final List<String> CONFIGS = List.of("model_args", "model_config", "config");

  /** A model's config has one of these keys; a config of its training has none. */
  private static final List<String> WIDTHS = List.of("n_embd", "emb_dim", "hidden_size");

  private final String path;
  private final StoredZip zip;

  /** The prefix of the names of all entries. */
  private final String root;

  private TorchFile(String path, StoredZip zip, String root) {
    this.path = path;
    this.zip = zip;
    this.root = root;
  }

  /**
   * The tensors of a file's state_dict, and its config if there is one.
   *
   * @throws ModelFormatException if the file is malformed, needs code to be loaded, or holds no
   *     state_dict
   */
  static ForeignFiles.Content read(OpenFile file) throws IOException {
    StoredZip zip = new StoredZip(file.path(), file.data());
    Optional<String> pickle =
        zip.names().stream()
            .filter(name -> name.equals(PICKLE) || name.endsWith("/" + PICKLE))
            .min(String::compareTo);
    if (pickle.isEmpty()) {
      throw new ModelFormatException(
          file.path(), PICKLE, "an entry of the archive, as torch.save writes it", "none");
    }
    String root = pickle.get().substring(0, pickle.get().length() - PICKLE.length());
    return new TorchFile(file.path(), zip, root).content();
  }

  private ForeignFiles.Content content() throws IOException {
    if (zip.names().contains(root + BYTE_ORDER)) {
      String order = new String(small(BYTE_ORDER, 16), StandardCharsets.UTF_8);
      if (!order.strip().equals("little")) {
        throw new ModelFormatException(path, BYTE_ORDER, "little", order);
      }
    }
    byte[] pickle = small(PICKLE, MAX_PICKLE_BYTES);
    Object top = Pickle.read(path, ByteBuffer.wrap(pickle), new TorchObjects(path));
    if (!(top instanceof Map<?, ?> members)) {
      throw noStateDict("something else");
    }
    Map<String, ForeignTensor> tensors = new LinkedHashMap<>();
    stateDict(members)
        .forEach(
            (key, value) -> {
              if (key instanceof String name && value instanceof View view) {
                tensors.put(
                    name, new ForeignTensor(path, name, view.shape(), () -> stored(name, view)));
              }
            });
    if (tensors.size() > MAX_TENSORS) {
      throw new ModelFormatException(path, "more than " + MAX_TENSORS + " tensors");
    }
    return new ForeignFiles.Content(tensors, config(members));
  }

  private byte[] small(String name, int maxBytes) throws IOException {
    TensorData data = zip.data(root + name);
    if (data.bytes() > maxBytes) {
      throw new ModelFormatException(path, name, "at most " + maxBytes + " B", data.bytes() + " B");
    }
    byte[] content = new byte[(int) data.bytes()];
    data.slice(0, content.length).get(content);
    return content;
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
    return new ModelFormatException(
        path, PICKLE, "a state_dict at the top or under " + String.join(", ", STATE_DICTS), got);
  }

  private JsonObject config(Map<?, ?> top) {
    for (String key : CONFIGS) {
      if (top.get(key) instanceof Map<?, ?> members
          && WIDTHS.stream().anyMatch(members::containsKey)) {
        Map<String, Object> plain = new LinkedHashMap<>();
        members.forEach(
            (name, value) -> {
              boolean scalar =
                  value instanceof String
                      || value instanceof Long
                      || value instanceof Double
                      || value instanceof Boolean;
              if (name instanceof String text && scalar) {
                plain.put(text, value);
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
    TensorData storage = zip.data(root + "data/" + view.storage().key());
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
      throw new IllegalArgumentException("only matrices and vectors may have strides");
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
