package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.Percent;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The hub, and the user's token for it.
 *
 * @param endpoint {@code https://HOST}, plus a path if a mirror has one, without a final {@code /}
 * @param token sent only to this host; empty for public models
 */
public record HubAccess(URI endpoint, Optional<String> token) {
  private static final String DEFAULT_ENDPOINT = "https://huggingface.co";

  /**
   * Reads the environment variables {@code HF_ENDPOINT} and {@code HF_TOKEN}.
   *
   * @throws HubException if the endpoint is not an address of a hub, or the token is malformed
   */
  public static HubAccess of(Map<String, String> environment) throws HubException {
    String written = environment.getOrDefault("HF_ENDPOINT", "").strip();
    String token = environment.getOrDefault("HF_TOKEN", "").strip();
    if (!token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new HubException("HF_TOKEN must be printable ASCII without blanks; it is not");
    }
    return new HubAccess(
        endpoint(written.isEmpty() ? DEFAULT_ENDPOINT : written),
        token.isEmpty() ? Optional.empty() : Optional.of(token));
  }

  private static URI endpoint(String written) throws HubException {
    try {
      URI uri = new URI(written.replaceFirst("/+$", ""));
      if (isHttp(uri)
          && uri.getHost() != null
          && uri.getUserInfo() == null
          && uri.getQuery() == null
          && uri.getFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // reported below
    }
    throw new HubException("HF_ENDPOINT must be https://HOST or http://HOST, got " + written);
  }

  private static boolean isHttp(URI uri) {
    return "https".equalsIgnoreCase(uri.getScheme()) || "http".equalsIgnoreCase(uri.getScheme());
  }

  /** Whether an address is on the hub itself: same scheme, host and port. */
  boolean isHub(URI uri) {
    return origin(uri).equals(origin(endpoint));
  }

  private static String origin(URI uri) {
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return scheme + "://" + String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
  }

  /** An address on the hub; the segments may hold any characters. */
  URI uri(String path, String... segments) {
    StringBuilder out = new StringBuilder(endpoint.toString()).append(path);
    for (String segment : segments) {
      out.append('/').append(Percent.encoded(segment));
    }
    return URI.create(out.toString());
  }
}
