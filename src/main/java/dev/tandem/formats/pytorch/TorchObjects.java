package dev.tandem.formats.pytorch;

import dev.tandem.formats.pytorch.Pickle.Symbol;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The meaning of PyTorch's symbols in a pickle: storages, and tensors that are views of them. */
final class TorchObjects implements Pickle.Meaning {
  private static final String ORDERED_DICT = "collections.OrderedDict";
  private static final String TENSOR = "torch._utils._rebuild_tensor_v2";
  private static final String PARAMETER = "torch._utils._rebuild_parameter";
  private static final String SIZE = "torch.Size";
  private static final int MAX_RANK = 8;

  /** Storage types and the bytes of one element. */
  private static final Map<String, Integer> ELEMENT_BYTES =
      Map.ofEntries(
          Map.entry("torch.FloatStorage", 4),
          Map.entry("torch.HalfStorage", 2),
          Map.entry("torch.BFloat16Storage", 2),
          Map.entry("torch.DoubleStorage", 8),
          Map.entry("torch.LongStorage", 8),
          Map.entry("torch.IntStorage", 4),
          Map.entry("torch.ShortStorage", 2),
          Map.entry("torch.CharStorage", 1),
          Map.entry("torch.ByteStorage", 1),
          Map.entry("torch.BoolStorage", 1),
          Map.entry("torch.ComplexFloatStorage", 8),
          Map.entry("torch.ComplexDoubleStorage", 16),
          Map.entry("torch.QInt8Storage", 1),
          Map.entry("torch.QUInt8Storage", 1),
          Map.entry("torch.QInt32Storage", 4));

  /** The storage types that hold weights. */
  private static final Map<String, DType> DTYPES =
      Map.of(
          "torch.FloatStorage", DType.F32,
          "torch.HalfStorage", DType.F16,
          "torch.BFloat16Storage", DType.BF16);

  /**
   * Elements that several tensors may share.
   *
   * @param type such as {@code torch.FloatStorage}
   * @param key the name of the entry below {@code data/} that holds them
   * @param elements the number of elements
   */
  record Storage(String type, String key, long elements) {
    Optional<DType> dtype() {
      return Optional.ofNullable(DTYPES.get(type));
    }

    int elementBytes() {
      return ELEMENT_BYTES.getOrDefault(type, 1);
    }
  }

  /**
   * A view of a storage: element {@code (i, j)} is its element {@code offset + i * strides[0] + j *
   * strides[1]}.
   */
  record View(Storage storage, long offset, List<Long> shape, List<Long> strides) {}

  private final String path;

  /**
   * The meaning of one file's symbols.
   *
   * @param path for messages
   */
  TorchObjects(String path) {
    this.path = path;
  }

  @Override
  public boolean knows(Symbol symbol) {
    return switch (symbol.name()) {
      case ORDERED_DICT, TENSOR, PARAMETER, SIZE -> true;
      default -> ELEMENT_BYTES.containsKey(symbol.name());
    };
  }

  @Override
  public Object call(Symbol callee, List<?> arguments) throws ModelFormatException {
    return switch (callee.name()) {
      case ORDERED_DICT -> {
        if (!arguments.isEmpty()) {
          throw wrong(ORDERED_DICT, "no arguments", arguments.size() + " of them");
        }
        yield new LinkedHashMap<>();
      }
      case SIZE -> extents(SIZE, arguments, 0);
      case TENSOR -> view(arguments);
      case PARAMETER -> { // (tensor, requires_grad, hooks)
        if (arguments.isEmpty() || !(arguments.get(0) instanceof View view)) {
          throw wrong(PARAMETER, "a tensor", "something else");
        }
        yield view;
      }
      default -> throw wrong(callee.name(), "a name that is not called", "a call of it");
    };
  }

  /** The arguments are (storage, offset, shape, strides, requires_grad, hooks). */
  private View view(List<?> arguments) throws ModelFormatException {
    if (arguments.size() < 4
        || !(arguments.get(0) instanceof Storage storage)
        || !(arguments.get(1) instanceof Long offset)) {
      throw wrong(TENSOR, "a storage and an offset", "something else");
    }
    List<Long> shape = extents(TENSOR, arguments, 2);
    List<Long> strides = extents(TENSOR, arguments, 3);
    if (shape.size() != strides.size() || offset < 0) {
      throw wrong(TENSOR, "as many strides as extents", shape + " and " + strides);
    }
    return new View(storage, offset, shape, strides);
  }

  private List<Long> extents(String what, List<?> arguments, int index)
      throws ModelFormatException {
    if (arguments.size() <= index
        || !(arguments.get(index) instanceof List<?> values)
        || values.size() > MAX_RANK) {
      throw wrong(what, "a tuple of at most " + MAX_RANK + " numbers", "something else");
    }
    List<Long> extents = new ArrayList<>();
    for (Object value : values) {
      if (!(value instanceof Long extent) || extent < 0) {
        throw wrong(what, "numbers of at least 0", "something else");
      }
      extents.add(extent);
    }
    return List.copyOf(extents);
  }

  @Override
  public Object persistent(Object id) throws ModelFormatException {
    if (id instanceof List<?> parts
        && parts.size() >= 5
        && "storage".equals(parts.get(0))
        && parts.get(1) instanceof Symbol type
        && ELEMENT_BYTES.containsKey(type.name())
        && parts.get(2) instanceof String key
        && parts.get(4) instanceof Long elements // [3] is the device
        && elements >= 0) {
      return new Storage(type.name(), key, elements);
    }
    throw wrong(
        "persistent id", "('storage', type, key, device, number of elements)", "something else");
  }

  private ModelFormatException wrong(String what, String expected, String got) {
    return new ModelFormatException(path, what, expected, got);
  }
}
