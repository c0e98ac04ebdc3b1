package dev.tandem.endpoints;

import dev.tandem.settings.InvalidSettingException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What protects a server.
 *
 * @param certificate its certificate chain, PEM; with it the server speaks TLS only
 * @param privateKey the certificate's private key, PEM
 * @param apiKeys the file of API keys, see docs/security.md; with it every client needs one of them
 * @param maxConnectionsPerAddress clients at once from one address
 */
public record ServerSecurity(
    Optional<Path> certificate,
    Optional<Path> privateKey,
    Optional<Path> apiKeys,
    int maxConnectionsPerAddress) {

  /** No TLS, no keys, 64 clients from an address. */
  public static final ServerSecurity NONE =
      new ServerSecurity(Optional.empty(), Optional.empty(), Optional.empty(), 64);

  /** Checks the parts against each other. */
  public ServerSecurity {
    if (certificate.isPresent() != privateKey.isPresent()) {
      throw new InvalidSettingException(
          "tls",
          "needs a certificate and its private key",
          certificate.isPresent() ? "no key" : "no certificate");
    }
    InvalidSettingException.require(
        maxConnectionsPerAddress >= 1,
        "maxConnectionsPerAddress",
        "must be at least 1",
        maxConnectionsPerAddress);
  }

  /** The same with TLS. */
  public ServerSecurity withTls(Path chain, Path key) {
    return new ServerSecurity(
        Optional.of(chain), Optional.of(key), apiKeys, maxConnectionsPerAddress);
  }

  /** The same with API keys. */
  public ServerSecurity withApiKeys(Path file) {
    return new ServerSecurity(certificate, privateKey, Optional.of(file), maxConnectionsPerAddress);
  }

  /** The same with another number of clients from an address. */
  public ServerSecurity withMaxConnectionsPerAddress(int n) {
    return new ServerSecurity(certificate, privateKey, apiKeys, n);
  }
}
