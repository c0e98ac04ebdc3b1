package dev.tandem.formats.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Where a model was found.
 *
 * @param name the embedded name, or the file's or directory's own name
 * @param folder the directory, or the one that the file lies in
 * @param file the file that was named; empty if a directory or an embedded model was
 */
public record ModelLocation(String name, Folder folder, Optional<String> file) {

  /**
   * The first bytes of the file that was named, little-endian; fewer if it is shorter, none if a
   * directory was named.
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

  /** What was named, for messages. */
  public String path() {
    return folder.path(file.orElse(""));
  }
}
