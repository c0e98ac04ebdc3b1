package dev.tandem.formats.huggingface;

import dev.tandem.formats.families.ForeignFiles;
import dev.tandem.formats.families.ForeignModels;
import dev.tandem.formats.families.ForeignTensor;
import dev.tandem.formats.families.ForeignTensor.Stored;
import dev.tandem.formats.families.Shards;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Hugging Face directories: {@code config.json}, {@code model.safetensors} or several such files
 * with {@code model.safetensors.index.json}, and a tokenizer's files.
 */
public final class HuggingFaceReader implements ModelReader {
  static final String FILE = "model.safetensors";
  static final String INDEX = FILE + ".index.json";

  @Override
  public String reads() {
    return "a Hugging Face GPT-2, Llama, Mistral or Qwen2 (a directory with config.json and"
        + " model.safetensors, or the .safetensors or .safetensors.index.json file)";
  }

  @Override
  public boolean accepts(ModelLocation location) {
    Folder folder = location.folder();
    return location.file().isPresent()
        ? location.file().get().matches(".*\\.safetensors(\\.index\\.json)?")
        : folder.contains(FILE) || folder.contains(INDEX);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    String file = Shards.file(location, FILE);
    ForeignFiles files =
        Shards.isIndex(file)
            ? ForeignFiles.sharded(folder, file, HuggingFaceReader::content)
            : ForeignFiles.single(folder, file, HuggingFaceReader::content);
    try {
      return ForeignModels.checkpoint(location, options, files, "safetensors");
    } catch (IOException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  private static ForeignFiles.Content content(OpenFile file) throws IOException {
    String path = file.path();
    Map<String, ForeignTensor> tensors = new LinkedHashMap<>();
    for (Safetensors.Entry entry : Safetensors.read(path, file.data()).values()) {
      ForeignTensor.Content content = () -> new Stored(dtype(path, entry), false, entry.data());
      tensors.put(entry.name(), new ForeignTensor(path, entry.name(), entry.shape(), content));
    }
    return new ForeignFiles.Content(tensors, JsonObject.empty(path), List.of());
  }

  private static DType dtype(String path, Safetensors.Entry entry) throws ModelFormatException {
    return switch (entry.dtype()) {
      case "F32" -> DType.F32;
      case "F16" -> DType.F16;
      case "BF16" -> DType.BF16;
      default ->
          throw new ModelFormatException(
              path, entry.name(), "type F32, F16 or BF16", entry.dtype());
    };
  }
}
