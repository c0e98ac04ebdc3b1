package dev.tandem.server;

import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The answer with a part of a model. One thread that may wait fills it; what it writes waits until
 * the client has taken what went before.
 */
final class PartResponse {
  private static final int PIECE_BYTES = 1 << 16;

  /** Pieces that are on their way to the client. */
  private static final int PIECES = 4;

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Context context;
  private final Semaphore free = new Semaphore(PIECES);
  private volatile boolean gone;

  PartResponse(HttpServerRequest request, Context context) {
    this.request = request;
    this.response = request.response();
    this.context = context;
    response.exceptionHandler(e -> leave());
    response.closeHandler(v -> leave());
  }

  private void leave() {
    gone = true;
    free.release(PIECES);
  }

  /**
   * Answers with the part, or with the range that is asked for, or that it has not changed.
   *
   * @throws InterruptedIOException if the client is gone, or the server closes
   * @throws IOException if the part cannot be read
   */
  void answer(OfferedParts.Part part) throws IOException {
    String etag = '"' + part.tag() + '"';
    response.putHeader("etag", etag).putHeader("accept-ranges", "bytes");
    if (names(request.getHeader("if-none-match"), etag)) {
      end(304);
      return;
    }
    String known = request.getHeader("if-range");
    Optional<ByteRange> range =
        known == null || known.equals(etag)
            ? ByteRange.of(request.getHeader("range"), part.bytes())
            : Optional.empty();
    ByteRange sent = range.orElse(new ByteRange(0, part.bytes()));
    if (!sent.isSatisfiable(part.bytes())) {
      response.putHeader("content-range", "bytes */" + part.bytes());
      end(416);
      return;
    }
    response.putHeader("content-type", "application/octet-stream");
    response.putHeader("content-length", String.valueOf(sent.to() - sent.from()));
    if (range.isPresent()) {
      response.setStatusCode(206);
      response.putHeader(
          "content-range", "bytes " + sent.from() + "-" + (sent.to() - 1) + "/" + part.bytes());
    }
    if (request.method().equals(HttpMethod.GET)) {
      part.copy(sent.from(), sent.to(), this::write);
    }
    end(response.getStatusCode());
  }

  /** Whether a header lists the ETag, or any. */
  private static boolean names(@Nullable String header, String etag) {
    return header != null
        && Arrays.stream(header.split(",", -1))
            .map(String::strip)
            .anyMatch(each -> each.equals(etag) || each.equals("*") || each.equals("W/" + etag));
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      byte[] piece = new byte[Math.min(PIECE_BYTES, bytes.remaining())];
      bytes.get(piece);
      try {
        free.acquire();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw (InterruptedIOException) new InterruptedIOException("the server closes").initCause(e);
      }
      if (gone) {
        throw new InterruptedIOException("the client is gone");
      }
      context.runOnContext(
          v -> {
            var unused = response.write(Buffer.buffer(piece)).onComplete(done -> free.release());
          });
    }
  }

  private void end(int status) {
    context.runOnContext(
        v -> {
          if (!response.headWritten()) {
            response.setStatusCode(status);
          }
          var unused = response.end();
        });
  }
}
