package dev.tandem.server;

import dev.tandem.endpoints.ServerOptions;
import io.vertx.core.MultiMap;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may connect: the API key, the page that a browser comes from, and how many there are.
 * Only the event loop uses it.
 */
final class Admission {
  /** Connections of an address that have not sent their request. */
  private static final int MAX_REQUESTS_PER_ADDRESS = 256;

  private static final int UNAUTHORIZED = 401;
  private static final int FORBIDDEN = 403;
  private static final int TOO_MANY = 429;
  private static final int FULL = 503;

  private final ServerOptions options;
  private final @Nullable ApiKeys keys;
  private final ClientAccount anonymous;

  /** Those that use something. */
  private final Map<String, ClientAddress> addresses = new HashMap<>();

  private int total;

  /** What was decided: an account, or an HTTP status. */
  record Decision(Optional<ClientAccount> account, int status) {}

  /** What was decided: a client, or an HTTP status. */
  record Entry(Optional<Client> client, int status) {}

  /**
   * @throws IOException if the file of keys cannot be read
   */
  Admission(ServerOptions options) throws IOException {
    this.options = options;
    Optional<java.nio.file.Path> file = options.security().apiKeys();
    boolean keepPrefixes = options.prefixes().bytes() > 0;
    keys = file.isPresent() ? ApiKeys.read(file.get(), keepPrefixes) : null;
    anonymous = ClientAccount.anonymous(keepPrefixes && options.prefixes().shared());
  }

  /** Whose request it is; a status if it may not be answered. */
  Decision identify(MultiMap headers) {
    if (!isOwnPage(headers)) {
      return new Decision(Optional.empty(), FORBIDDEN);
    }
    if (keys == null) {
      return new Decision(Optional.of(anonymous), 0);
    }
    Optional<ClientAccount> account = keys.find(headers.get("authorization"));
    return new Decision(account, account.isPresent() ? 0 : UNAUTHORIZED);
  }

  /** The address that a connection comes from. */
  ClientAddress address(SocketAddress peer) {
    return addresses.computeIfAbsent(
        String.valueOf(peer.hostAddress()),
        host ->
            new ClientAddress(
                host,
                MAX_REQUESTS_PER_ADDRESS,
                options.security().maxConnectionsPerAddress(),
                options.security().maxSequencesPerAddress(),
                () -> addresses.remove(host)));
  }

  /** Lets a client in, who is counted until {@link #left}; or a status. */
  Entry enter(MultiMap headers, SocketAddress peer) {
    Decision decision = identify(headers);
    if (decision.account().isEmpty()) {
      return new Entry(Optional.empty(), decision.status());
    }
    if (total >= options.maxConnections()) {
      return new Entry(Optional.empty(), FULL);
    }
    Client client = new Client(decision.account().get(), address(peer));
    if (client.address().connections().isFull() || client.account().connections().isFull()) {
      client.address().gaveBack(); // it may have used nothing before
      return new Entry(Optional.empty(), TOO_MANY);
    }
    client.connect();
    total++;
    return new Entry(Optional.of(client), 0);
  }

  /** A client of {@link #enter} is gone. */
  void left(Client client) {
    client.disconnect();
    total--;
  }

  /**
   * Whether a request comes from no browser's page, or from one of this server. Other pages could
   * otherwise use a server that only the browser's machine can reach.
   */
  private static boolean isOwnPage(MultiMap headers) {
    String origin = headers.get("origin");
    if (origin == null) {
      return true;
    }
    try {
      return URI.create(origin).getAuthority() != null
          && URI.create(origin).getAuthority().equalsIgnoreCase(headers.get("host"));
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
