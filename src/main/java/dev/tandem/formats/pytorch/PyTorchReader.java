package dev.tandem.formats.pytorch;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.families.ForeignModels;
import dev.tandem.formats.families.Shards;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.regex.Pattern;

/**
 * PyTorch checkpoints: {@code .pth}, {@code .pt}, {@code pytorch_model.bin}, or several such files
 * with {@code pytorch_model.bin.index.json}; Meta's {@code consolidated.00.pth}.
 */
public final class PyTorchReader implements ModelReader {
  private static final String FILE = "pytorch_model.bin";
  private static final String INDEX = FILE + ".index.json";

  /** Meta's name of a whole model. */
  private static final String META = "consolidated.00.pth";

  /** A model that Meta split by columns and rows, one file for each GPU, has several. */
  private static final Pattern META_PARTS = Pattern.compile("consolidated\\.[0-9]{2}\\.pth");

  @Override
  public String reads() {
    return "a PyTorch checkpoint of a GPT-2 or Llama (a .pt, .pth or .bin file, or a directory with"
        + " pytorch_model.bin or consolidated.00.pth)";
  }

  @Override
  public boolean accepts(ModelLocation location) throws IOException {
    Folder folder = location.folder();
    if (location.file().isPresent()) {
      String file = location.file().get();
      return file.endsWith(INDEX)
          || file.matches(".*\\.(pt|pth|ckpt)")
          || isZip(location.head(OldTorchFile.BEGIN_BYTES))
          || OldTorchFile.begins(location.head(OldTorchFile.BEGIN_BYTES));
    }
    return folder.contains(FILE) || folder.contains(INDEX) || folder.contains(META);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    boolean meta = folder.contains(META) && !folder.contains(FILE) && !folder.contains(INDEX);
    String file = Shards.file(location, meta ? META : FILE);
    refuseMetaParts(folder, file);
    ForeignFiles files =
        Shards.isIndex(file)
            ? ForeignFiles.sharded(folder, file, PyTorchReader::content)
            : ForeignFiles.single(folder, file, PyTorchReader::content);
    try {
      return ForeignModels.checkpoint(location, options, files, "PyTorch");
    } catch (IOException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  private static void refuseMetaParts(Folder folder, String file) throws IOException {
    List<String> parts = folder.matching(META_PARTS);
    if (META_PARTS.matcher(file).matches() && parts.size() > 1) {
      throw new ModelFormatException(
          folder.path(file),
          "one of several parts, each with some rows or columns of every tensor, which is not"
              + " supported; use the model's Hugging Face or GGUF files: "
              + String.join(", ", parts));
    }
  }

  private static ForeignFiles.Content content(Folder.OpenFile file) throws IOException {
    int n = (int) Math.min(OldTorchFile.BEGIN_BYTES, file.data().bytes());
    ByteBuffer head = file.data().slice(0, n);
    if (OldTorchFile.begins(head)) {
      return OldTorchFile.read(file);
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
}
