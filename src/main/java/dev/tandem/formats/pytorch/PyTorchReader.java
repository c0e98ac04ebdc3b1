package dev.tandem.formats.pytorch;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.families.ForeignModels;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * PyTorch checkpoints: {@code .pth}, {@code .pt}, {@code pytorch_model.bin}, or several such files
 * with {@code pytorch_model.bin.index.json}.
 */
public final class PyTorchReader implements ModelReader {
  private static final String FILE = "pytorch_model.bin";
  private static final String INDEX = FILE + ".index.json";

  /** Older files begin with PROTO 2 and LONG1 of ten bytes: 0x1950a86a20f9469cfc6c. */
  private static final byte[] OLD_MAGIC = {
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

  @Override
  public String reads() {
    return "a PyTorch checkpoint of a GPT-2 or Llama (a .pt, .pth or .bin file, or a directory with"
        + " pytorch_model.bin)";
  }

  @Override
  public boolean accepts(ModelLocation location) throws IOException {
    Folder folder = location.folder();
    if (location.file().isPresent()) {
      String file = location.file().get();
      return file.endsWith(INDEX)
          || file.matches(".*\\.(pt|pth|ckpt)")
          || isZip(location.head(OLD_MAGIC.length))
          || isOld(location.head(OLD_MAGIC.length));
    }
    return folder.contains(FILE) || folder.contains(INDEX);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    String file = location.file().orElse(folder.contains(INDEX) ? INDEX : FILE);
    ForeignFiles files =
        file.endsWith(INDEX)
            ? ForeignFiles.sharded(folder, file, PyTorchReader::content)
            : ForeignFiles.single(folder, file, PyTorchReader::content);
    try {
      return ForeignModels.checkpoint(location, options, files, "PyTorch");
    } catch (IOException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  private static ForeignFiles.Content content(Folder.OpenFile file) throws IOException {
    int n = (int) Math.min(OLD_MAGIC.length, file.data().bytes());
    ByteBuffer head = file.data().slice(0, n);
    if (isOld(head)) {
      throw new ModelFormatException(
          file.path(),
          "a PyTorch file from before version 1.6, which is not supported; load it in PyTorch and"
              + " save it again: torch.save(torch.load(FILE), NEW_FILE)");
    }
    if (!isZip(head)) {
      throw new ModelFormatException(
          file.path(), "file", "a zip archive, as torch.save writes it", "something else");
    }
    return TorchFile.read(file);
  }

  private static boolean isZip(ByteBuffer head) {
    return head.remaining() >= Integer.BYTES && head.getInt(head.position()) == StoredZip.MAGIC;
  }

  private static boolean isOld(ByteBuffer head) {
    return head.remaining() >= OLD_MAGIC.length
        && head.slice(head.position(), OLD_MAGIC.length).equals(ByteBuffer.wrap(OLD_MAGIC));
  }
}
