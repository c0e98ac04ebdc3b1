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
 * @param maxSequencesPerAddress sequences of all clients from one address: those that are open,
 *     that wait to be opened, and those of lost connections
 */
public record ServerSecurity(
    Optional<Path> certificate,
    Optional<Path> privateKey,
    Optional<Path> apiKeys,
    int maxConnectionsPerAddress,
    int maxSequencesPerAddress) {

  /**
   * No TLS, no keys, 64 clients and 128 sequences from an address: as many as {@link
   * ServerOptions#defaults} has in all, and as many again that wait for their room.
   */
  public static final ServerSecurity NONE =
      new ServerSecurity(Optional.empty(), Optional.empty(), Optional.empty(), 64, 128);

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
    InvalidSettingException.require(
        maxSequencesPerAddress >= 1,
        "maxSequencesPerAddress",
        "must be at least 1",
        maxSequencesPerAddress);
  }

  /** The same with TLS. */
  public ServerSecurity withTls(Path chain, Path key) {
    return new ServerSecurity(
        Optional.of(chain),
        Optional.of(key),
        apiKeys,
        maxConnectionsPerAddress,
        maxSequencesPerAddress);
  }

  /** The same with API keys. */
  public ServerSecurity withApiKeys(Path file) {
    return new ServerSecurity(
        certificate,
        privateKey,
        Optional.of(file),
        maxConnectionsPerAddress,
        maxSequencesPerAddress);
  }

  /** The same with another number of clients from an address. */
  public ServerSecurity withMaxConnectionsPerAddress(int n) {
    return new ServerSecurity(certificate, privateKey, apiKeys, n, maxSequencesPerAddress);
  }

  /** The same with another number of sequences of an address. */
  public ServerSecurity withMaxSequencesPerAddress(int n) {
    return new ServerSecurity(certificate, privateKey, apiKeys, maxConnectionsPerAddress, n);
  }
}
