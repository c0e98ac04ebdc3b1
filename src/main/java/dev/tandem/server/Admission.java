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
  private static final int UNAUTHORIZED = 401;
  private static final int FORBIDDEN = 403;
  private static final int TOO_MANY = 429;
  private static final int FULL = 503;

  private final ServerOptions options;
  private final @Nullable ApiKeys keys;
  private final ClientAccount anonymous;
  private final Map<String, Integer> perAddress = new HashMap<>();
  private int total;

  /** What was decided: an account, or an HTTP status. */
  record Decision(Optional<ClientAccount> account, int status) {}

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

  /** Lets a client in, who is counted until {@link #left}; or a status. */
  Decision enter(MultiMap headers, SocketAddress address) {
    Decision decision = identify(headers);
    if (decision.account().isEmpty()) {
      return decision;
    }
    if (total >= options.maxConnections()) {
      return new Decision(Optional.empty(), FULL);
    }
    String host = String.valueOf(address.hostAddress());
    int fromHost = perAddress.getOrDefault(host, 0);
    if (fromHost >= options.security().maxConnectionsPerAddress()
        || !decision.account().get().connect()) {
      return new Decision(Optional.empty(), TOO_MANY);
    }
    perAddress.put(host, fromHost + 1);
    total++;
    return decision;
  }

  /** A client of {@link #enter} is gone. */
  void left(ClientAccount account, SocketAddress address) {
    account.disconnect();
    total--;
    perAddress.computeIfPresent(
        String.valueOf(address.hostAddress()), (host, n) -> n == 1 ? null : n - 1);
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
