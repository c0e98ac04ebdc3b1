package dev.tandem.formats.huggingface;

import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import java.io.IOException;

/**
 * Refuses a directory that has a {@code config.json} and no weights of any format: it names the
 * file of weights that a Hugging Face directory would have.
 */
public final class ConfigOnlyReader implements ModelReader {
  private static final String CONFIG = "config.json";

  @Override
  public String reads() {
    return "";
  }

  @Override
  public boolean accepts(ModelLocation location) {
    return location.file().isEmpty() && location.folder().contains(CONFIG);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    return new HuggingFaceReader().read(location, options); // fails: the weights are missing
  }
}
