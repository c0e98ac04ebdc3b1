package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.Percent;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * The hub, and the user's token for it.
 *
 * @param endpoint {@code https://HOST}, plus a path if a mirror has one, without a final {@code /}
 * @param token sent only to this host; empty for public models
 */
public record HubAccess(URI endpoint, Optional<String> token) implements Source {
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

  @Override
  public String called() {
    return "the hub";
  }

  /** Whether an address is on the hub itself: same scheme, host and port. */
  @Override
  public boolean isOwn(URI uri) {
    return origin(uri).equals(origin(endpoint));
  }

  /** Scheme, host and port. */
  static String origin(URI uri) {
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return scheme + "://" + String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
  }

  @Override
  public Optional<SSLContext> trust() {
    return Optional.empty();
  }

  @Override
  public URI uri(RepoFile file) {
    String[] name = file.repository().split("/", -1);
    String[] path = file.path().split("/", -1);
    String[] segments = new String[4 + path.length];
    segments[0] = name[0];
    segments[1] = name[1];
    segments[2] = "resolve";
    segments[3] = file.commit();
    System.arraycopy(path, 0, segments, 4, path.length);
    return uri("", segments);
  }

  @Override
  public HubException unreachable(URI uri, IOException e) {
    return new HubException(
        "cannot reach "
            + uri.getScheme()
            + "://"
            + uri.getAuthority()
            + " ("
            + HubException.reason(e)
            + "); check the network, and HF_ENDPOINT if it is set",
        e);
  }

  @Override
  public HubException refused(RequestTarget target, HubAnswer answer) {
    String page = endpoint + "/" + target.repository();
    return new HubException(
        target
            + ": "
            + switch (answer.status()) {
              case 401 -> unauthorized(page);
              case 403 ->
                  token.isPresent()
                      ? "the owner of HF_TOKEN may not read it (403); ask for access at " + page
                      : "the hub needs a token (403); ask for access at "
                          + page
                          + " and set HF_TOKEN to a token from "
                          + endpoint
                          + "/settings/tokens";
              case 404 -> notFound(target, answer);
              default -> answer.described();
            });
  }

  private String unauthorized(String page) {
    return token.isPresent()
        ? "the hub does not accept HF_TOKEN (401): it is wrong or has expired, or there is no such"
            + " repository; see "
            + endpoint
            + "/settings/tokens and "
            + page
        : "the hub needs a token (401): the repository is private or gated, or does not"
            + " exist; check its name, ask for access at "
            + page
            + " and set HF_TOKEN to a token from "
            + endpoint
            + "/settings/tokens";
  }

  private String notFound(RequestTarget target, HubAnswer answer) {
    String where = " at " + endpoint + " (404)";
    if (target.path().isPresent()) {
      return "no such file" + where;
    }
    String asked = target.revision().orElse("");
    return answer.error().equals("RevisionNotFound")
        ? "no branch, tag or commit '" + asked + "'" + where
        : "no such repository, or no revision '" + asked + "' of it," + where;
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
