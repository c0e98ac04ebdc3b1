package dev.tandem.formats.gguf;

import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;

/**
 * Recognises the formats of ggml before GGUF, only to say what to do instead: they exist in many
 * incompatible variants, and nothing in a file shows the variant.
 */
public final class OldGgmlReader implements ModelReader {
  private static final Map<Integer, String> MAGICS =
      Map.of(0x67676d6c, "ggml", 0x67676d66, "ggmf", 0x67676a74, "ggjt");

  @Override
  public String reads() {
    return "";
  }

  @Override
  public boolean accepts(ModelLocation location) throws IOException {
    return format(location).isPresent();
  }

  private static Optional<String> format(ModelLocation location) throws IOException {
    ByteBuffer head = location.head(Integer.BYTES);
    return head.remaining() < Integer.BYTES
        ? Optional.empty()
        : Optional.ofNullable(MAGICS.get(head.getInt()));
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    throw new ModelFormatException(
        location.path(),
        "an old "
            + format(location).orElse("ggml")
            + " file, which is not supported; use the model as GGUF, or the original Hugging Face"
            + " or PyTorch files");
  }
}
