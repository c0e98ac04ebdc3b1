package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/**
 * HTTP to a hub or a server, and to the hosts that it redirects to. This class follows redirects
 * itself, because only the source may receive the token, and no request may fall back from https to
 * http.
 */
final class HubClient implements AutoCloseable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);
  private static final int MAX_REDIRECTS = 8;
  private static final int MAX_ANSWER_BYTES = 32 << 20;

  private final Source source;
  private final TransferLimits limits;
  private final PullListener listener;
  private final HttpClient http;
  private final Set<HubAnswer> open = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService guard;
  private volatile boolean closed;

  /** Whether any answer ever arrived. Until then an unreachable host counts as a wrong address. */
  private volatile boolean reached;

  HubClient(Source source, TransferLimits limits, PullListener listener) {
    this.source = source;
    this.limits = limits;
    this.listener = listener;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // HTTP/2 would put all ranges on one connection
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_TIMEOUT);
    source.trust().ifPresent(builder::sslContext);
    this.http = builder.build();
    this.guard = Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "pull-silence"));
    long period = Math.max(1, limits.silence().toMillis() / 4);
    var unused =
        guard.scheduleWithFixedDelay(this::endSilent, period, period, TimeUnit.MILLISECONDS);
  }

  static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** The retry policy of one transfer. */
  RetryPolicy retryPolicy(String subject) {
    return new RetryPolicy(subject, limits, listener);
  }

  /**
   * Asks the hub about a file that its listing did not describe.
   *
   * @throws HubException if the file is missing or may not be read
   */
  RepoFile described(RepoFile file) throws IOException, InterruptedException {
    RetryPolicy retries = retryPolicy(file.toString());
    while (true) {
      try (HubAnswer answer = send("HEAD", source.uri(file), Map.of())) {
        answer.check(RequestTarget.of(file), source);
        OptionalLong bytes = answer.stated().bytes();
        return file.with(
            bytes.isPresent() ? bytes : answer.contentLength(), answer.stated().hash());
      } catch (IOException e) {
        retries.failed(e);
      }
    }
  }

  /** The content of a short answer. */
  byte[] small(URI uri, RequestTarget target) throws IOException, InterruptedException {
    RetryPolicy retries = retryPolicy(target.toString());
    while (true) {
      try (HubAnswer answer = send("GET", uri, Map.of())) {
        answer.check(target, source);
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
        for (int n = answer.read(buffer); n >= 0; n = answer.read(buffer)) {
          content.write(buffer, 0, n);
          if (content.size() > MAX_ANSWER_BYTES) {
            throw new HubException("the answer about " + target + " is too long");
          }
        }
        return content.toByteArray();
      } catch (IOException e) {
        retries.failed(e);
      }
    }
  }

  /**
   * Sends one request, and follows redirects.
   *
   * @param headers sent to every host on the way
   * @throws HubException if the hub cannot be reached at all, or redirects to an address that is
   *     refused
   * @throws IOException if the connection fails
   */
  HubAnswer send(String method, URI uri, Map<String, String> headers)
      throws IOException, InterruptedException {
    HubAnswer.Stated stated = HubAnswer.Stated.NOTHING;
    URI at = uri;
    for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      HttpResponse<InputStream> response = exchange(method, at, headers);
      if (source.isOwn(at)) {
        stated = stated.and(response);
      }
      Optional<String> location = response.headers().firstValue("location");
      int status = response.statusCode();
      if (status < 301 || status > 308 || status == 304 || location.isEmpty()) {
        HubAnswer answer = new HubAnswer(at, response, stated, open);
        if (closed) {
          answer.close();
          throw new HubException("interrupted");
        }
        return answer;
      }
      response.body().close();
      at = target(at, location.get());
    }
    throw new HubException(uri + ": more than " + MAX_REDIRECTS + " redirects");
  }

  /** The target of a redirect, if it is allowed. */
  static URI target(URI from, String location) throws HubException {
    URI to;
    try {
      to = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new HubException(from.getHost() + " redirects to a malformed address", e);
    }
    boolean https = "https".equalsIgnoreCase(to.getScheme());
    boolean http = "http".equalsIgnoreCase(to.getScheme());
    if (to.getHost() == null || (!https && !http)) {
      throw new HubException(
          from.getHost() + " redirects to an address that is neither https nor http");
    }
    if (http && "https".equalsIgnoreCase(from.getScheme())) {
      throw new HubException(
          from.getHost() + " redirects from https to http, to " + to.getHost() + ": refused");
    }
    return to;
  }

  private HttpResponse<InputStream> exchange(String method, URI uri, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .timeout(limits.silence())
            .header("User-Agent", "tandem")
            .header("Accept-Encoding", "identity");
    headers.forEach(request::header);
    if (source.token().isPresent() && source.isOwn(uri)) {
      request.header("Authorization", "Bearer " + source.token().get());
    }
    try {
      HttpResponse<InputStream> response = http.send(request.build(), BodyHandlers.ofInputStream());
      reached = true;
      return response;
    } catch (ConnectException | HttpConnectTimeoutException | SSLException e) {
      if (!reached) {
        throw source.unreachable(uri, e);
      }
      throw e;
    }
  }

  /** Ends a connection that has been silent for too long; its reader fails. */
  private void endSilent() {
    long now = System.nanoTime();
    for (HubAnswer answer : open) {
      if (now - answer.lastRead() > limits.silence().toNanos()) {
        answer.end(new IOException(answer.uri().getHost() + " sent nothing for too long"));
      }
    }
  }

  /** Ends all running transfers. */
  @Override
  public void close() {
    closed = true;
    guard.shutdownNow();
    open.forEach(answer -> answer.end(new HubException("interrupted")));
  }
}
