package dev.tandem.hub;

import dev.tandem.hub.cache.FileNames;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A file as a hub describes it.
 *
 * @param repository {@code OWNER/NAME}
 * @param commit the commit of the repository
 * @param path the file's path in the repository
 * @param bytes the file's length, if the hub states it
 * @param hash the hash of the content, if the hub states it
 */
record RepoFile(
    String repository, String commit, String path, OptionalLong bytes, Optional<ContentHash> hash) {

  /** The file's local name. */
  String name() {
    return FileNames.last(path);
  }

  /** For messages. */
  @Override
  public String toString() {
    return repository + "/" + path;
  }

  /** The same file with the length and hash that the hub stated for this file alone. */
  RepoFile with(OptionalLong statedBytes, Optional<ContentHash> statedHash) {
    return new RepoFile(
        repository,
        commit,
        path,
        bytes.isPresent() ? bytes : statedBytes,
        hash.or(() -> statedHash));
  }
}
