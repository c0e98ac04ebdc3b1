package dev.tandem.weights;

import java.util.Optional;

/**
 * Where a model was found.
 *
 * @param name the embedded name, or the file's or directory's own name
 * @param folder the directory, or the one that the file lies in
 * @param file the file that was named; empty if a directory or an embedded model was
 */
record ModelLocation(String name, Folder folder, Optional<String> file) {

  /** What was named, for messages. */
  String path() {
    return folder.path(file.orElse(""));
  }
}
