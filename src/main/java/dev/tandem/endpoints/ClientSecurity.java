package dev.tandem.endpoints;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * What a client shows to a server, and which servers it trusts.
 *
 * @param apiKey the key that the server asks for
 * @param authority certificates that server certificates are checked with, PEM; empty for those
 *     that Java trusts
 */
public record ClientSecurity(Optional<String> apiKey, Optional<Path> authority) {

  /** No key, and Java's own trust. */
  public static final ClientSecurity NONE = new ClientSecurity(Optional.empty(), Optional.empty());

  /** The same with a key. */
  public ClientSecurity withApiKey(String key) {
    return new ClientSecurity(Optional.of(key), authority);
  }

  /** The same with other trusted certificates. */
  public ClientSecurity withAuthority(Path file) {
    return new ClientSecurity(apiKey, Optional.of(file));
  }

  /**
   * Trust in the certificates of {@link #authority}, and in no others; empty for Java's own trust.
   *
   * @throws IOException if they cannot be read
   */
  public Optional<SSLContext> trust() throws IOException {
    return authority.isPresent() ? Optional.of(Trust.of(authority.get())) : Optional.empty();
  }

  /** Without the key, which must not get into a log. */
  @Override
  public String toString() {
    return "ClientSecurity["
        + (apiKey.isPresent() ? "with" : "without")
        + " a key, "
        + authority
        + "]";
  }
}
