package dev.tandem.formats.pytorch;

import dev.tandem.model.StoredTensor;
import dev.tandem.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Writes what torch.save writes: a pickle of the objects, and the storages, in a zip archive. */
public final class TorchWriter {

  /** A tensor that is a view of a storage. */
  public record View(String key, DType dtype, long offset, List<Long> shape, List<Long> strides) {}

  /**
   * An object of a class that PyTorch's users have, such as {@code argparse.Namespace}.
   *
   * @param arguments of the call that makes it
   * @param state its attributes, if there are any
   */
  public record Foreign(String module, String name, List<?> arguments, Map<String, ?> state) {}

  /** A dictionary that is written as an OrderedDict, with the attribute _metadata. */
  public record StateDict(Map<String, Object> members) {}

  private final int protocol;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Map<Object, Integer> memo = new HashMap<>();
  private final Map<String, byte[]> storages = new LinkedHashMap<>();
  private final Map<String, Integer> elementBytes = new HashMap<>();
  private int memoised;

  /** Whether a storage's id has a sixth part. */
  private boolean old;

  public TorchWriter(int protocol) {
    this.protocol = protocol;
  }

  /** Tensors that each have a storage of their own, as a state_dict. */
  public StateDict stateDict(List<StoredTensor> tensors) {
    Map<String, Object> members = new LinkedHashMap<>();
    for (StoredTensor tensor : tensors) {
      members.put(tensor.name(), view(tensor));
    }
    return new StateDict(members);
  }

  /** A contiguous tensor with a new storage of its own. */
  View view(StoredTensor tensor) {
    return new View(
        storage(tensor.bytes()), tensor.dtype(), 0, tensor.shape(), contiguous(tensor.shape()));
  }

  /** A new storage's key. */
  String storage(byte[] bytes) {
    String key = Integer.toString(storages.size());
    storages.put(key, bytes);
    return key;
  }

  static List<Long> contiguous(List<Long> shape) {
    List<Long> strides = new ArrayList<>();
    long stride = 1;
    for (int i = shape.size() - 1; i >= 0; i--) {
      strides.add(0, stride);
      stride *= shape.get(i);
    }
    return strides;
  }

  /** Writes an archive around the pickle of an object. */
  public void save(Path file, Object top, boolean zip64, boolean streamed) throws IOException {
    save(file, pickle(top), zip64, streamed);
  }

  /** Writes an archive around any pickle. */
  void save(Path file, byte[] pickle, boolean zip64, boolean streamed) throws IOException {
    try (ZipWriter zip = new ZipWriter(file, zip64, streamed)) {
      zip.add("archive/data.pkl", pickle);
      zip.add("archive/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
      for (Map.Entry<String, byte[]> storage : storages.entrySet()) {
        zip.add("archive/data/" + storage.getKey(), storage.getValue());
      }
      zip.add("archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    }
  }

  /**
   * Writes a file as PyTorch before 1.6 did: five pickles, then the storages.
   *
   * @param last the keys in another order than that in which they were made
   */
  public void saveOld(Path file, Object top, List<String> last) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(HexFormat.of().parseHex("80028a0a6cfc9c46f9206aa850192e"));
    all.writeBytes(HexFormat.of().parseHex("80024de9032e"));
    Map<String, Object> system = new LinkedHashMap<>();
    system.put("protocol_version", 1001);
    system.put("little_endian", true);
    system.put("type_sizes", Map.of("int", 4));
    all.writeBytes(new TorchWriter(protocol).pickle(system));
    old = true;
    all.writeBytes(pickle(top));
    List<String> keys = new ArrayList<>(storages.keySet());
    keys.removeAll(last);
    keys.addAll(last);
    all.writeBytes(new TorchWriter(protocol).pickle(keys));
    for (String key : keys) {
      byte[] content = Objects.requireNonNull(storages.get(key));
      ByteBuffer count = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      all.writeBytes(count.putLong(content.length / elementBytes.getOrDefault(key, 4)).array());
      all.writeBytes(content);
    }
    Files.write(file, all.toByteArray());
  }

  /** The pickle of an object. */
  byte[] pickle(Object top) {
    write(0x80, protocol);
    if (protocol >= 4) {
      write(0x95);
      out.writeBytes(new byte[8]); // readers need not care for a frame's length
    }
    value(top);
    write('.');
    return out.toByteArray();
  }

  private void value(Object value) {
    if (value == null) {
      write('N');
    } else if (value instanceof Boolean flag) {
      write(flag ? 0x88 : 0x89);
    } else if (value instanceof Integer number) {
      integer(number);
    } else if (value instanceof Long number) {
      integer(number);
    } else if (value instanceof Double number) {
      write('G');
      out.writeBytes(ByteBuffer.allocate(8).putDouble(number).array());
    } else if (value instanceof String text) {
      text(text);
    } else if (value instanceof List<?> list) {
      write(']');
      put();
      write('(');
      list.forEach(this::value);
      write('e');
    } else if (value instanceof Map<?, ?> map) {
      write('}');
      put();
      items(map);
    } else if (value instanceof StateDict dict) {
      orderedDict();
      put();
      items(dict.members);
      write('}');
      put();
      text("_metadata");
      orderedDict();
      put();
      write('s', 'b');
    } else if (value instanceof Foreign foreign) {
      foreign(foreign);
    } else {
      tensor((View) value);
    }
  }

  private void foreign(Foreign foreign) {
    global(foreign.module, foreign.name);
    write('(');
    foreign.arguments.forEach(this::value);
    write('t');
    put();
    write(foreign.state.isEmpty() ? 'R' : 0x81);
    put();
    if (!foreign.state.isEmpty()) {
      value(foreign.state);
      write('b');
    }
  }

  private void items(Map<?, ?> map) {
    write('(');
    map.forEach(
        (key, value) -> {
          value(key);
          value(value);
        });
    write('u');
  }

  private void orderedDict() {
    global("collections", "OrderedDict");
    write(')', 'R');
  }

  private void tensor(View view) {
    global("torch._utils", "_rebuild_tensor_v2");
    write('(', '(');
    text("storage");
    global(
        "torch",
        switch (view.dtype) {
          case F16 -> "HalfStorage";
          case BF16 -> "BFloat16Storage";
          default -> "FloatStorage";
        });
    text(view.key);
    text("cuda:0");
    long bytes = storages.getOrDefault(view.key, new byte[0]).length;
    integer(bytes / view.dtype.elementBytes());
    elementBytes.put(view.key, view.dtype.elementBytes());
    if (old) {
      write('N');
    }
    write('t');
    put();
    write('Q');
    integer(view.offset);
    tuple(view.shape);
    tuple(view.strides);
    write(0x89);
    orderedDict();
    put();
    write('t');
    put();
    write('R');
    put();
  }

  private void tuple(List<Long> values) {
    if (values.isEmpty()) {
      write(')');
      return;
    }
    if (values.size() > 3) {
      write('(');
    }
    values.forEach(this::integer);
    write(values.size() > 3 ? 't' : 0x84 + values.size());
    put();
  }

  private void integer(long value) {
    if (value >= 0 && value < 256) {
      write('K', (int) value);
    } else if (value >= 0 && value < 65536) {
      write('M', (int) value & 0xff, (int) value >> 8);
    } else if (value == (int) value) {
      write('J');
      little(4, value);
    } else {
      write(0x8a, 8);
      little(8, value);
    }
  }

  private void text(String text) {
    if (get(text)) {
      return;
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    if (protocol >= 4 && utf8.length < 256) {
      write(0x8c, utf8.length);
    } else {
      write('X');
      little(4, utf8.length);
    }
    out.writeBytes(utf8);
    memo.put(text, put());
  }

  private void global(String module, String name) {
    List<String> symbol = List.of(module, name);
    if (get(symbol)) {
      return;
    }
    if (protocol >= 4) {
      text(module);
      text(name);
      write(0x93);
    } else {
      write('c');
      out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    }
    memo.put(symbol, put());
  }

  private boolean get(Object key) {
    Integer index = memo.get(key);
    if (index == null) {
      return false;
    }
    if (index < 256) {
      write('h', index);
    } else {
      write('j');
      little(4, index);
    }
    return true;
  }

  private int put() {
    if (protocol >= 4) {
      write(0x94);
    } else if (memoised < 256) {
      write('q', memoised);
    } else {
      write('r');
      little(4, memoised);
    }
    return memoised++;
  }

  private void little(int bytes, long value) {
    ByteBuffer all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
    out.write(all.array(), 0, bytes);
  }

  private void write(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
  }
}
