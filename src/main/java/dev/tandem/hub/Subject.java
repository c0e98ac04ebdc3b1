package dev.tandem.hub;

import java.util.Optional;

/** What a request is about, for messages. */
record Subject(String repository, Optional<String> revision, Optional<String> path) {
  static Subject of(RepoFile file) {
    return new Subject(file.repository(), Optional.empty(), Optional.of(file.path()));
  }

  @Override
  public String toString() {
    return repository + path.map(name -> "/" + name).orElse("");
  }
}
