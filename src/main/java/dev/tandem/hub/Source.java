package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/** Where files are downloaded from: a hub, or a server that offers a part of its model. */
interface Source {

  /** What messages call it, such as {@code the hub}. */
  String called();

  /** Whether an address is its own; only such an address receives the token. */
  boolean isOwn(URI uri);

  /** What it asks for, if it does. */
  Optional<String> token();

  /** Whom to trust instead of those that Java trusts. */
  Optional<SSLContext> trust();

  /** The address of a file. */
  URI uri(RepoFile file);

  /** The failure of the first connection. */
  HubException unreachable(URI uri, IOException e);

  /** The failure of a request that would fail again. */
  HubException refused(RequestTarget target, HubAnswer answer);
}
