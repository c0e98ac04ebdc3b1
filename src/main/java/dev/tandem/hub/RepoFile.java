package dev.tandem.hub;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * A file as a hub describes it.
 *
 * @param repository {@code OWNER/NAME}
 * @param commit which state of the repository
 * @param path where it lies in the repository
 * @param bytes its length, if that is stated
 * @param hash its content's, if that is stated
 */
record RepoFile(
    String repository, String commit, String path, OptionalLong bytes, Optional<ContentHash> hash) {

  /** Its name here. */
  String name() {
    return FileNames.last(path);
  }

  /** For messages. */
  @Override
  public String toString() {
    return repository + "/" + path;
  }

  /** The same file with what the hub said when it was asked about it alone. */
  RepoFile with(OptionalLong statedBytes, Optional<ContentHash> statedHash) {
    return new RepoFile(
        repository,
        commit,
        path,
        bytes.isPresent() ? bytes : statedBytes,
        hash.or(() -> statedHash));
  }
}
