package dev.tandem.hub;

import java.util.Optional;

/** The target of a request, for messages. */
record RequestTarget(String repository, Optional<String> revision, Optional<String> path) {
  static RequestTarget of(RepoFile file) {
    return new RequestTarget(file.repository(), Optional.empty(), Optional.of(file.path()));
  }

  @Override
  public String toString() {
    return repository + path.map(name -> "/" + name).orElse("");
  }
}
