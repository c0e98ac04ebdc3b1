package dev.tandem.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A hub on this machine, with a content host of its own on another port, that behaves as badly as a
 * test wants. Files of {@link #LARGE} bytes and more are on the content host, as on the real hub.
 */
public final class FakeHub implements AutoCloseable {
  /** From this size on a file counts as a large one. */
  public static final int LARGE = 1 << 16;

  private static final int CHUNK = 1 << 13;
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What came in.
   *
   * @param port the hub's or the content host's
   */
  public record Request(
      String method,
      int port,
      String path,
      Optional<String> range,
      Optional<String> ifRange,
      Optional<String> token) {}

  /** Misbehaviour: answers in the hub's stead, or does nothing and returns false. */
  @FunctionalInterface
  interface Trick {
    boolean answers(HttpExchange exchange, Request request) throws IOException;
  }

  private static final class Content {
    private final byte[] data;
    private final String sha256;
    private final String blobSha1;

    Content(byte[] data) {
      this.data = data.clone();
      this.sha256 = FakeHub.sha256(data);
      this.blobSha1 = FakeHub.blobSha1(data);
    }

    boolean isLarge() {
      return data.length >= LARGE;
    }
  }

  private record Repository(String commit, Map<String, Content> files) {}

  private final HttpServer hub;
  private final HttpServer contentHost;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, Repository> repositories = new ConcurrentHashMap<>();
  private final AtomicLong served = new AtomicLong();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  volatile Trick trick = (exchange, request) -> false;
  volatile boolean ranges = true;
  volatile boolean describes = true;
  volatile boolean etags = true;

  /** After so many bytes of an answer the connection is cut; -1 for never. */
  volatile long cutAfter = -1;

  /** A pause after each piece of 8 KiB. */
  volatile long pauseMillis;

  /** Starts it. */
  public FakeHub() throws IOException {
    hub = start();
    contentHost = start();
  }

  private HttpServer start() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
    return server;
  }

  /** For {@code HF_ENDPOINT}. */
  public String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  int hubPort() {
    return hub.getAddress().getPort();
  }

  int contentPort() {
    return contentHost.getAddress().getPort();
  }

  /** Bytes of files that were sent. */
  public long served() {
    return served.get();
  }

  /** All that came in. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /** Requests for files, not for descriptions of repositories. */
  List<Request> fileRequests() {
    return requests.stream().filter(request -> !request.path().startsWith("/api/")).toList();
  }

  /** Makes each answer pause after every piece of 8 KiB. */
  public void pause(long millis) {
    pauseMillis = millis;
  }

  /** Resets the count. */
  public void forgetRequests() {
    requests.clear();
    served.set(0);
  }

  /** Puts a repository there, or another state of it; gives its commit. */
  public String put(String name, Map<String, byte[]> files) {
    StringBuilder state = new StringBuilder(name);
    Map<String, Content> contents = new TreeMap<>();
    files.forEach((path, data) -> contents.put(path, new Content(data)));
    contents.forEach((path, content) -> state.append(path).append(content.blobSha1));
    String commit = sha1(state.toString().getBytes(StandardCharsets.UTF_8));
    repositories.put(name, new Repository(commit, contents));
    return commit;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Request request =
          new Request(
              exchange.getRequestMethod(),
              exchange.getLocalAddress().getPort(),
              exchange.getRequestURI().getPath(),
              header(exchange, "Range"),
              header(exchange, "If-Range"),
              header(exchange, "Authorization"));
      requests.add(request);
      if (trick.answers(exchange, request)) {
        return;
      }
      String[] parts = request.path().split("/", 7);
      if (request.path().startsWith("/api/models/") && parts.length == 7) {
        describe(exchange, parts[3] + "/" + parts[4], parts[6]);
      } else if (parts.length >= 6 && parts[3].equals("resolve")) {
        String path = request.path().split("/", 6)[5];
        file(exchange, request, parts[1] + "/" + parts[2], parts[4], path);
      } else {
        fail(exchange, 404);
      }
    } catch (IOException e) {
      // the client went away, or we cut it off
    }
  }

  private static Optional<String> header(HttpExchange exchange, String name) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
  }

  static void fail(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
  }

  static void text(HttpExchange exchange, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private void describe(HttpExchange exchange, String name, String revision) throws IOException {
    Repository repository = repositories.get(name);
    if (repository == null) {
      fail(exchange, 404);
    } else if (!revision.equals("main") && !revision.equals(repository.commit())) {
      exchange.getResponseHeaders().set("X-Error-Code", "RevisionNotFound");
      fail(exchange, 404);
    } else {
      text(exchange, description(name).toString());
    }
  }

  /** What the hub says of a repository. */
  ObjectNode description(String name) {
    Repository repository = Objects.requireNonNull(repositories.get(name));
    ObjectNode root = JSON.createObjectNode();
    root.put("id", name).put("sha", repository.commit()).put("private", false);
    ArrayNode siblings = root.putArray("siblings");
    repository
        .files()
        .forEach(
            (path, content) -> {
              ObjectNode sibling = siblings.addObject().put("rfilename", path);
              if (!describes) {
                return;
              }
              int bytes = content.data.length;
              sibling.put("size", bytes);
              if (content.isLarge()) {
                sibling.put("blobId", "0".repeat(40)); // of the pointer
                sibling.putObject("lfs").put("sha256", content.sha256).put("size", bytes);
              } else {
                sibling.put("blobId", content.blobSha1);
              }
            });
    return root;
  }

  private void file(HttpExchange exchange, Request request, String name, String commit, String path)
      throws IOException {
    Repository repository = repositories.get(name);
    Content content =
        repository == null || !commit.equals(repository.commit())
            ? null
            : repository.files().get(path);
    if (content == null) {
      fail(exchange, 404);
      return;
    }
    if (content.isLarge() && request.port() == hubPort()) {
      if (etags) {
        exchange.getResponseHeaders().set("X-Linked-Etag", '"' + content.sha256 + '"');
      }
      exchange.getResponseHeaders().set("X-Linked-Size", "" + content.data.length);
      exchange
          .getResponseHeaders()
          .set("Location", "http://127.0.0.1:" + contentPort() + request.path());
      fail(exchange, 302);
      return;
    }
    String etag = content.isLarge() ? "v" + content.sha256 : content.blobSha1;
    send(exchange, request, content.data, etag);
  }

  /** Sends content as a good server does, but for what the fields say. */
  void send(HttpExchange exchange, Request request, byte[] data, String etag) throws IOException {
    if (etags) {
      exchange.getResponseHeaders().set("ETag", '"' + etag + '"');
    }
    int start = 0;
    int end = data.length;
    boolean same = request.ifRange().map(('"' + etag + '"')::equals).orElse(true);
    if (ranges && same && request.range().isPresent()) {
      String[] bounds = request.range().get().substring("bytes=".length()).split("-", -1);
      start = Integer.parseInt(bounds[0]);
      end = Math.min(end, Integer.parseInt(bounds[1]) + 1);
      if (start >= data.length) {
        fail(exchange, 416);
        return;
      }
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + start + "-" + (end - 1) + "/" + data.length);
    }
    int status = exchange.getResponseHeaders().containsKey("Content-Range") ? 206 : 200;
    if (request.method().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", "" + (end - start));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, end == start ? -1 : end - start);
    write(exchange, data, start, end);
  }

  private void write(HttpExchange exchange, byte[] data, int start, int end) throws IOException {
    long cut = cutAfter < 0 ? Long.MAX_VALUE : start + cutAfter;
    OutputStream out = exchange.getResponseBody();
    for (int at = start; at < end; ) {
      int n = (int) Math.min(Math.min(CHUNK, end - at), cut - at);
      if (n <= 0) {
        throw new IOException("cut"); // closing with bytes unsent ends the connection
      }
      out.write(data, at, n);
      out.flush();
      served.addAndGet(n);
      at += n;
      pause();
    }
  }

  private void pause() {
    try {
      Thread.sleep(pauseMillis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static String sha256(byte[] data) {
    return hash("SHA-256", data);
  }

  private static String sha1(byte[] data) {
    return hash("SHA-1", data);
  }

  static String blobSha1(byte[] data) {
    byte[] head = ("blob " + data.length + "\0").getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(head, head.length + data.length);
    System.arraycopy(data, 0, all, head.length, data.length);
    return sha1(all);
  }

  private static String hash(String algorithm, byte[] data) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    hub.stop(0);
    contentHost.stop(0);
    threads.shutdownNow();
  }
}
