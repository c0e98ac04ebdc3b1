package dev.tandem.formats.pytorch;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.pytorch.TorchObjects.Storage;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A file that {@code torch.save} wrote before PyTorch 1.6, or writes with {@code
 * _use_new_zipfile_serialization=False}: five pickles, then the storages.
 *
 * <pre>
 * pickle    the magic number 0x1950a86a20f9469cfc6c
 * pickle    the version of this format, 1001
 * pickle    {protocol_version, little_endian, type_sizes}
 * pickle    the objects
 * pickle    a list of the storages' keys
 * storages  in that order: i64 number of elements, elements
 * </pre>
 *
 * <p>Source: {@code _legacy_save} and {@code _legacy_load} of {@code torch/serialization.py}.
 * Nothing in it is executed.
 */
final class OldTorchFile {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long VERSION = 1001;

  /** How a file begins: PROTO 2, LONG1 of ten bytes, the magic number. */
  private static final byte[] BEGIN = {
    (byte) 0x80,
    2,
    (byte) 0x8a,
    10,
    0x6c,
    (byte) 0xfc,
    (byte) 0x9c,
    0x46,
    (byte) 0xf9,
    0x20,
    0x6a,
    (byte) 0xa8,
    0x50,
    0x19
  };

  /** How many of a file's first bytes {@link #begins} needs. */
  static final int BEGIN_BYTES = BEGIN.length;

  private final String path;
  private final TensorData file;
  private final TorchObjects objects;

  private OldTorchFile(OpenFile file) {
    path = file.path();
    this.file = file.data();
    objects = new TorchObjects(path);
  }

  /** Whether a file that begins with these bytes is one. */
  static boolean begins(ByteBuffer head) {
    return head.remaining() >= BEGIN.length
        && head.slice(head.position(), BEGIN.length).equals(ByteBuffer.wrap(BEGIN));
  }

  /**
   * The tensors of a file's state_dict, and the config that may be beside it.
   *
   * @throws ModelFormatException if the file is malformed, would have to run something to be
   *     loaded, or holds no state_dict
   */
  static ForeignFiles.Content read(OpenFile file) throws IOException {
    return new OldTorchFile(file).content();
  }

  private ForeignFiles.Content content() throws IOException {
    int n = (int) Math.min(file.bytes(), TorchFile.MAX_PICKLE_BYTES);
    ByteBuffer pickles = file.slice(0, n);
    int begin = pickles.position();
    require("magic number", MAGIC, next(pickles));
    require("version", VERSION, next(pickles));
    Object system = next(pickles);
    if (!(system instanceof Map<?, ?> facts) || !Boolean.TRUE.equals(facts.get("little_endian"))) {
      throw new ModelFormatException(
          path, "third pickle", "a system that is little_endian", "another");
    }
    Object top = next(pickles);
    if (!(next(pickles) instanceof List<?> keys)) {
      throw new ModelFormatException(path, "fifth pickle", "the storages' keys", "something else");
    }
    Map<String, TensorData> storages = storages(keys, pickles.position() - begin);
    return TorchModel.content(path, top, objects.unknown(), key -> storage(storages, key));
  }

  private Object next(ByteBuffer pickles) throws ModelFormatException {
    return Pickle.read(path, pickles, objects);
  }

  private void require(String what, Object expected, Object got) throws ModelFormatException {
    if (!expected.equals(got)) {
      throw new ModelFormatException(path, what, expected.toString(), got.toString());
    }
  }

  private Map<String, TensorData> storages(List<?> keys, long begin) throws IOException {
    Map<String, TensorData> storages = new HashMap<>();
    long at = begin;
    for (Object key : keys) {
      Storage storage = key instanceof String ? objects.storages().get(key) : null;
      if (storage == null || storages.containsKey(storage.key())) {
        throw new ModelFormatException(
            path, "fifth pickle", "the key of each storage, once", String.valueOf(key));
      }
      String name = "storage " + storage.key();
      requireRoom(name, at, Long.BYTES);
      long elements = file.slice(at, Long.BYTES).getLong();
      if (elements != storage.elements()) {
        throw new ModelFormatException(
            path, name, storage.elements() + " elements, as its tensors say", "" + elements);
      }
      at += Long.BYTES;
      requireRoom(name, at, elements, storage.elementBytes());
      long bytes = elements * storage.elementBytes();
      storages.put(storage.key(), file.region(at, bytes));
      at += bytes;
    }
    if (at != file.bytes()) {
      throw new ModelFormatException(
          path, "file length", at + " B, where the last storage ends", file.bytes() + " B");
    }
    return storages;
  }

  private void requireRoom(String name, long at, long bytes) throws ModelFormatException {
    requireRoom(name, at, bytes, 1);
  }

  /** Throws if the file ends before that; the product may not fit into 64 bits. */
  private void requireRoom(String name, long at, long elements, int elementBytes)
      throws ModelFormatException {
    long rest = file.bytes() - at;
    if (elements > rest / elementBytes) {
      throw new ModelFormatException(
          path,
          name,
          elements + " elements of " + elementBytes + " B",
          "a file that ends after " + Math.max(0, rest) + " B; is it complete?");
    }
  }

  private TensorData storage(Map<String, TensorData> storages, String key)
      throws ModelFormatException {
    TensorData data = storages.get(key);
    if (data == null) {
      throw new ModelFormatException(path, "storage " + key, "one", "none");
    }
    return data;
  }
}
