package dev.tandem.formats.huggingface;

import dev.tandem.formats.families.Shards;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import java.io.IOException;

/**
 * Refuses a directory that has a {@code config.json}, or shards without their index, and no weights
 * of any format: it names the shards, or the file of weights that a Hugging Face directory would
 * have.
 */
public final class ConfigOnlyReader implements ModelReader {
  private static final String CONFIG = "config.json";
  private static final String PYTORCH = "pytorch_model.bin";

  @Override
  public String reads() {
    return "";
  }

  @Override
  public boolean accepts(ModelLocation location) throws IOException {
    Folder folder = location.folder();
    return location.file().isEmpty()
        && (folder.contains(CONFIG)
            || Shards.areIn(folder, HuggingFaceReader.FILE)
            || Shards.areIn(folder, PYTORCH));
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    if (Shards.areIn(location.folder(), PYTORCH)) {
      String unused = Shards.file(location, PYTORCH); // fails: the index is missing
    }
    return new HuggingFaceReader().read(location, options); // fails: the weights are missing
  }
}
