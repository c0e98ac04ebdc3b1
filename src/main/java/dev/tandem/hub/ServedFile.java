package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * A file that a server offers.
 *
 * @param uri its address, {@code http} or {@code https}
 * @param name what messages call it
 * @param token the server's API key, if it asks for one
 * @param trust whom to trust instead of those that Java trusts
 */
public record ServedFile(URI uri, String name, Optional<String> token, Optional<SSLContext> trust)
    implements Source {

  @Override
  public String called() {
    return "the server";
  }

  @Override
  public boolean isOwn(URI other) {
    return HubAccess.origin(other).equals(HubAccess.origin(uri));
  }

  @Override
  public URI uri(RepoFile file) {
    return uri;
  }

  @Override
  public HubException unreachable(URI to, IOException e) {
    return new HubException(
        "cannot download from " + to.getAuthority() + " (" + HubException.reason(e) + ")", e);
  }

  @Override
  public HubException refused(RequestTarget target, HubAnswer answer) {
    String reason =
        switch (answer.status()) {
          case 400 -> "the server refuses this" + answer.reason() + " (400)";
          case 401 -> "the server does not know this API key (401)";
          case 403 -> "the server does not offer this part of its model (403)";
          case 404 -> "the server offers no such file (404); its version may be older";
          default -> "the server answers " + answer.status();
        };
    return new HubException(target + ": " + reason);
  }

  /** Without the token, which must not get into a log. */
  @Override
  public String toString() {
    return name + " at " + uri;
  }
}
