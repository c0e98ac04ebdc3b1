package dev.tandem.formats.pytorch;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A file of {@code torch.save} since PyTorch 1.6: a zip archive with a pickle of the objects
 * ({@code NAME/data.pkl}) and the elements of each storage ({@code NAME/data/KEY}). Nothing in it
 * is executed.
 */
final class TorchFile {
  private static final String PICKLE = "data.pkl";
  private static final String BYTE_ORDER = "byteorder";
  static final int MAX_PICKLE_BYTES = 16 << 20;

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
    ByteBuffer pickle = ByteBuffer.wrap(small(PICKLE, MAX_PICKLE_BYTES));
    TorchObjects objects = new TorchObjects(path);
    Object top = Pickle.read(path, pickle, objects);
    return TorchModel.content(path, top, objects.unknown(), key -> zip.data(root + "data/" + key));
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
}
