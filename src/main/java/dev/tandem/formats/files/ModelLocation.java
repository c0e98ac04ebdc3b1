package dev.tandem.formats.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * The place of a model.
 *
 * @param name the embedded name, or the file's or directory's own name
 * @param folder the directory, or the directory of the file
 * @param file the named file; empty for a directory or an embedded model
 */
public record ModelLocation(String name, Folder folder, Optional<String> file) {

  /**
   * The first bytes of the named file, little-endian; fewer if the file is shorter, empty for a
   * directory.
   *
   * @throws IOException if they cannot be read
   */
  public ByteBuffer head(int maxBytes) throws IOException {
    if (file.isEmpty()) {
      return ByteBuffer.allocate(0);
    }
    try (Folder.OpenFile open = folder.open(file.get())) {
      int n = (int) Math.min(maxBytes, open.data().bytes());
      ByteBuffer head = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
      return head.put(open.data().slice(0, n)).flip();
    }
  }

  /** The named file or directory, for messages. */
  public String path() {
    return folder.path(file.orElse(""));
  }
}
