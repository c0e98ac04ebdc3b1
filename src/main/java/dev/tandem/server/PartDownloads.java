package dev.tandem.server;

import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Offer;
import dev.tandem.settings.WeightType;
import io.vertx.core.Context;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers {@code GET /v1/part}: clients download their part of a model. Each download has a thread
 * that reads the model and waits for a slow client; how many there are is limited, in all and for
 * each address. The event loop never waits.
 */
final class PartDownloads implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PartDownloads.class);

  /** Downloads at once. Each needs a thread and at most 2 MiB of buffers. */
  private static final int MAX_DOWNLOADS = 16;

  private static final int MAX_DOWNLOADS_PER_ADDRESS = 4;
  private static final int IDLE_SECONDS = 10;
  private static final int CLOSING_SECONDS = 5;
  private static final String RETRY_SECONDS = "2";

  private final List<ModelService> models;
  private final AtomicInteger threads = new AtomicInteger();
  private final ThreadPoolExecutor pool =
      new ThreadPoolExecutor(
          0, MAX_DOWNLOADS, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), this::thread);

  /** Running downloads of each address; only the event loop uses it. */
  private final Map<String, Integer> perAddress = new HashMap<>();

  PartDownloads(List<ModelService> models) {
    this.models = models;
  }

  private Thread thread(Runnable task) {
    Thread thread = new Thread(task, "tandem-download-" + threads.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }

  /** A request that cannot be answered with a part. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1;
    private final int status;

    Refused(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  /**
   * Answers a request of a client who may use the server.
   *
   * @param context the event loop, which calls this
   */
  void answer(HttpServerRequest request, Context context) {
    HttpServerResponse response = request.response();
    if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)) {
      refuse(response.putHeader("allow", "GET, HEAD"), 405, "use GET or HEAD");
      return;
    }
    String address = String.valueOf(request.remoteAddress().hostAddress());
    try {
      Offer wanted = wanted(request.params());
      Optional<WeightType> type = type(request.getParam("type"));
      OfferedParts parts = parts(request.getParam("model"));
      if (!parts.offer().covers(wanted)) {
        throw new Refused(403, "the server offers " + parts.offer() + ", not " + wanted);
      }
      enter(address);
      try {
        pool.execute(() -> send(parts, wanted, type, request, context, address));
      } catch (RejectedExecutionException e) {
        leave(address);
        throw new Refused(503, "too many downloads");
      }
    } catch (Refused e) {
      refuse(response, e.status, String.valueOf(e.getMessage()));
    }
  }

  private void enter(String address) throws Refused {
    int running = perAddress.getOrDefault(address, 0);
    if (running >= MAX_DOWNLOADS_PER_ADDRESS) {
      throw new Refused(429, "too many downloads of this address");
    }
    perAddress.put(address, running + 1);
  }

  private void leave(String address) {
    perAddress.computeIfPresent(address, (host, n) -> n == 1 ? null : n - 1);
  }

  private static Offer wanted(MultiMap parameters) throws Refused {
    String layers = parameters.get("layers") == null ? "0" : parameters.get("layers");
    String head = parameters.get("head") == null ? "false" : parameters.get("head");
    if (!layers.matches("[0-9]{1,6}") || !head.matches("true|false")) {
      throw new Refused(400, "layers must be a number, and head true or false");
    }
    try {
      return new Offer(true, head.equals("true"), Integer.parseInt(layers));
    } catch (InvalidSettingException e) {
      throw new Refused(400, "layers are offered with the head only");
    }
  }

  private static Optional<WeightType> type(@Nullable String name) throws Refused {
    for (WeightType type : WeightType.values()) {
      if (type.name().toLowerCase(Locale.ROOT).equals(name)) {
        return Optional.of(type);
      }
    }
    if (name != null) {
      throw new Refused(400, "type must be f32, f16, bf16, q8_0 or q4_0");
    }
    return Optional.empty();
  }

  private OfferedParts parts(@Nullable String model) throws Refused {
    Optional<ModelService> found =
        models.stream().filter(each -> model == null || each.hash().equals(model)).findFirst();
    if (found.isEmpty()) {
      throw new Refused(404, "no such model");
    }
    return found.get().parts().orElseThrow(() -> new Refused(403, "the server offers none"));
  }

  private static void refuse(HttpServerResponse response, int status, String message) {
    if (status == 429 || status == 503) {
      response.putHeader("retry-after", RETRY_SECONDS);
    }
    response.putHeader("x-error-message", message); // an answer to HEAD has no text
    var unused = response.setStatusCode(status).end(message + "\n");
  }

  /** Runs on a thread of the pool. */
  private void send(
      OfferedParts parts,
      Offer wanted,
      Optional<WeightType> type,
      HttpServerRequest request,
      Context context,
      String address) {
    try {
      Optional<OfferedParts.Part> part = parts.open(wanted, type);
      if (part.isPresent()) {
        new PartResponse(request, context).answer(part.get());
      } else {
        context.runOnContext(
            v -> refuse(request.response(), 503, "another part is being converted"));
      }
    } catch (InvalidSettingException e) {
      String message = String.valueOf(e.getMessage());
      context.runOnContext(v -> refuse(request.response(), 400, message));
    } catch (InterruptedIOException e) {
      log.debug("a download of {} ended: {}", wanted, e.getMessage());
    } catch (IOException | RuntimeException e) {
      log.warn("a download of {} failed: {}", wanted, e.toString());
      context.runOnContext(v -> fail(request));
    } finally {
      context.runOnContext(v -> leave(address));
    }
  }

  /** A client that has received a part of the file must see that it is not the whole. */
  private static void fail(HttpServerRequest request) {
    if (request.response().headWritten()) {
      var unused = request.connection().close();
    } else {
      refuse(request.response(), 500, "the part cannot be read");
    }
  }

  /** Ends all downloads, and waits until nothing reads the models any more. */
  @Override
  public void close() {
    pool.shutdownNow();
    try {
      if (!pool.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS)) {
        log.warn("a download did not end within {} s", CLOSING_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
