package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** The answer of a host. One thread reads its body; any thread may close it. */
final class HubAnswer implements AutoCloseable {
  private static final int OK = 200;
  private static final int PARTIAL = 206;

  /**
   * What the hub itself stated about a file before it redirected to the content.
   *
   * @param bytes the file's length
   * @param hash the hash of the file's content
   */
  record Stated(OptionalLong bytes, Optional<ContentHash> hash) {
    static final Stated NOTHING = new Stated(OptionalLong.empty(), Optional.empty());

    /**
     * Adds the statements of one more answer; {@code X-Linked-} headers describe the file that it
     * refers to.
     */
    Stated and(HttpResponse<?> response) {
      HttpHeaders headers = response.headers();
      boolean content = response.statusCode() == OK;
      OptionalLong linkedBytes = number(headers, "x-linked-size");
      Optional<ContentHash> linked =
          headers.firstValue("x-linked-etag").flatMap(ContentHash::ofEtag);
      Optional<ContentHash> own =
          content || response.statusCode() == PARTIAL
              ? headers.firstValue("etag").flatMap(ContentHash::ofEtag)
              : Optional.empty();
      OptionalLong ownBytes = content ? number(headers, "content-length") : OptionalLong.empty();
      return new Stated(
          bytes.isPresent() ? bytes : linkedBytes.isPresent() ? linkedBytes : ownBytes,
          hash.or(() -> linked).or(() -> own));
    }
  }

  private final URI uri;
  private final HttpResponse<InputStream> response;
  private final Stated stated;
  private final Set<HubAnswer> open;
  private volatile long lastRead = System.nanoTime();
  private volatile Optional<IOException> ended = Optional.empty();

  /**
   * @param open the set that holds this answer until it is closed
   */
  HubAnswer(URI uri, HttpResponse<InputStream> response, Stated stated, Set<HubAnswer> open) {
    this.uri = uri;
    this.response = response;
    this.stated = stated;
    this.open = open;
    open.add(this);
  }

  /** The address of the answer, after redirects. */
  URI uri() {
    return uri;
  }

  Stated stated() {
    return stated;
  }

  int status() {
    return response.statusCode();
  }

  /**
   * The start of the range in this answer, and the length of the whole file; empty if the answer is
   * not a range.
   */
  Optional<long[]> range() {
    String range = response.headers().firstValue("content-range").orElse("");
    if (status() != PARTIAL || !range.matches("bytes \\d{1,18}-\\d{1,18}/\\d{1,18}")) {
      return Optional.empty();
    }
    String[] parts = range.substring("bytes ".length()).split("[-/]", -1);
    return Optional.of(new long[] {Long.parseLong(parts[0]), Long.parseLong(parts[2])});
  }

  OptionalLong contentLength() {
    return number(response.headers(), "content-length");
  }

  /** The ETag if it is a strong one, which If-Range needs. */
  Optional<String> strongEtag() {
    return response
        .headers()
        .firstValue("etag")
        .filter(etag -> etag.matches("\"[\\x21\\x23-\\x7e]{1,200}\""));
  }

  /** The time of the last read, on {@link System#nanoTime}'s clock. */
  long lastRead() {
    return lastRead;
  }

  /** Reads some bytes; -1 at the end. */
  int read(byte[] buffer) throws IOException {
    try {
      int n = response.body().read(buffer);
      lastRead = System.nanoTime();
      if (ended.isEmpty()) {
        return n;
      }
    } catch (IOException e) {
      throw ended.orElse(e);
    }
    throw ended.get();
  }

  /**
   * Returns normally if this answer is content.
   *
   * @throws HubException if the source refuses; the message says what to do
   * @throws RetryPolicy.TemporaryFailure if a later request may succeed
   */
  void check(RequestTarget target, Source source) throws IOException {
    int status = status();
    if (status == OK || status == PARTIAL) {
      return;
    }
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
      throw new RetryPolicy.TemporaryFailure(described(), retryAfter());
    }
    throw source.refused(target, this);
  }

  /** What a host answers that says neither why nor what to do. */
  String described() {
    return uri.getHost() + " answers " + status() + reason();
  }

  /** What a host says about its answer, after a colon; empty if it says nothing. */
  String reason() {
    return response.headers().firstValue("x-error-message").map(text -> ": " + text).orElse("");
  }

  /** The name of the error in a hub's answer; empty if there is none. */
  String error() {
    return response.headers().firstValue("x-error-code").orElse("");
  }

  /** The delay of a {@code Retry-After} header: seconds, or a date. */
  private Duration retryAfter() {
    String text = response.headers().firstValue("retry-after").orElse("").strip();
    if (text.matches("\\d{1,9}")) {
      return Duration.ofSeconds(Long.parseLong(text));
    }
    try {
      Instant date = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), date);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeException e) {
      return Duration.ZERO; // absent or malformed
    }
  }

  private static OptionalLong number(HttpHeaders headers, String name) {
    String text = headers.firstValue(name).orElse("");
    return text.matches("\\d{1,18}") ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
  }

  /** Ends the connection; a thread that is reading fails with this reason. */
  void end(IOException reason) {
    ended = Optional.of(reason);
    close();
  }

  /** Ends the connection unless the whole body was read. */
  @Override
  public void close() {
    if (open.remove(this)) {
      try {
        response.body().close();
      } catch (IOException e) {
        // the answer is no longer needed
      }
    }
  }
}
