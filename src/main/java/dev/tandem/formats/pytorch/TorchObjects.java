package dev.tandem.formats.pytorch;

import dev.tandem.formats.pytorch.Pickle.Symbol;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The meaning of PyTorch's symbols in a pickle: storages, and tensors that are views of them. */
final class TorchObjects implements Pickle.Meaning {
  private static final String ORDERED_DICT = "collections.OrderedDict";
  private static final String TENSOR = "torch._utils._rebuild_tensor_v2";

  /** As PyTorch 0.3 and older wrote tensors. */
  private static final String OLD_TENSOR = "torch._utils._rebuild_tensor";

  private static final String PARAMETER = "torch._utils._rebuild_parameter";
  private static final String SIZE = "torch.Size";
  private static final int MAX_RANK = 8;

  /** Modules that start programs, load code or change files. No checkpoint needs any of them. */
  private static final Set<String> DANGEROUS_MODULES =
      Set.of(
          "os",
          "posix",
          "nt",
          "subprocess",
          "commands",
          "pty",
          "sys",
          "shutil",
          "socket",
          "runpy",
          "importlib",
          "ctypes",
          "webbrowser",
          "marshal");

  private static final Set<String> DANGEROUS_BUILTINS =
      Set.of("eval", "exec", "execfile", "compile", "open", "input", "__import__");

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
   * @param key its name in the file
   * @param elements how many
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

  /** A part of a storage that old files share as a storage; {@code begin} is its first element. */
  private record StorageView(Storage storage, long begin) {}

  private final String path;
  private final Map<String, Storage> storages = new LinkedHashMap<>();
  private final Set<String> unknown = new LinkedHashSet<>();

  /**
   * The meaning of one file's symbols.
   *
   * @param path for messages
   */
  TorchObjects(String path) {
    this.path = path;
  }

  /** The storages that the pickles named so far, by their keys. */
  Map<String, Storage> storages() {
    return Collections.unmodifiableMap(storages);
  }

  /** The symbols so far that have no meaning here, in the order of the file. */
  Set<String> unknown() {
    return Collections.unmodifiableSet(unknown);
  }

  @Override
  public boolean knows(Symbol symbol) throws ModelFormatException {
    boolean known =
        switch (symbol.name()) {
          case ORDERED_DICT, TENSOR, OLD_TENSOR, PARAMETER, SIZE -> true;
          default -> ELEMENT_BYTES.containsKey(symbol.name());
        };
    if (!known && isDangerous(symbol.name())) {
      throw wrong(
          "pickle",
          "nothing that must be run to be loaded (this file attacks whoever loads it in PyTorch)",
          symbol.name());
    }
    if (!known) {
      unknown.add(symbol.name());
    }
    return known;
  }

  private static boolean isDangerous(String symbol) {
    String module = symbol.substring(0, symbol.indexOf('.'));
    String name = symbol.substring(module.length() + 1);
    boolean builtin = module.equals("builtins") || module.equals("__builtin__");
    return DANGEROUS_MODULES.contains(module) || (builtin && DANGEROUS_BUILTINS.contains(name));
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
      case TENSOR, OLD_TENSOR -> view(arguments);
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
        || !(arguments.get(0) instanceof StorageView whole)
        || !(arguments.get(1) instanceof Long offset)) {
      throw wrong(TENSOR, "a storage and an offset", "something else");
    }
    List<Long> shape = extents(TENSOR, arguments, 2);
    List<Long> strides = extents(TENSOR, arguments, 3);
    if (shape.size() != strides.size()) {
      throw wrong(TENSOR, "as many strides as extents", shape + " and " + strides);
    }
    long rest = whole.storage.elements() - whole.begin;
    if (offset < 0 || offset > rest) {
      throw wrong(TENSOR, "an offset within its storage of " + rest + " elements", "" + offset);
    }
    return new View(whole.storage, whole.begin + offset, shape, strides);
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

  /**
   * {@inheritDoc} A storage: {@code ('storage', type, key, device, elements)}, and in files of
   * before PyTorch 1.6 a sixth part that is None or {@code (key, offset, elements)} of a view.
   * There, a whole module's class is {@code ('module', class, source file, source)}.
   */
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
      Storage storage = new Storage(type.name(), key, elements);
      Storage known = storages.putIfAbsent(key, storage);
      if (known != null && !known.equals(storage)) {
        throw wrong("storage " + key, known.toString(), storage.toString());
      }
      return new StorageView(storage, parts.size() > 5 ? begin(parts.get(5), elements) : 0);
    }
    if (id instanceof List<?> parts
        && parts.size() == 4
        && "module".equals(parts.get(0))
        && parts.get(1) instanceof Symbol type) {
      return type;
    }
    throw wrong(
        "persistent id", "('storage', type, key, device, number of elements)", "something else");
  }

  private long begin(Object view, long elements) throws ModelFormatException {
    if (view == Pickle.None.NONE) {
      return 0;
    }
    if (view instanceof List<?> parts
        && parts.size() == 3
        && parts.get(1) instanceof Long begin
        && begin >= 0
        && begin <= elements) {
      return begin;
    }
    throw wrong("persistent id", "a view's key, offset and number of elements", "something else");
  }

  private ModelFormatException wrong(String what, String expected, String got) {
    return new ModelFormatException(path, what, expected, got);
  }
}
