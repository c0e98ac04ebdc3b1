package dev.tandem.client;

import dev.tandem.endpoints.ConnectionOptions;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpTimeoutException;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * A WebSocket that sends and receives whole messages. Outgoing messages wait in one queue, because
 * the JDK allows one outstanding send. Four pings go out at every interval; the receiver notices a
 * server that is silent for half an interval, and after three intervals the link is closed.
 */
final class WireLink implements WebSocket.Listener {

  /** Receives the events of the link, from one thread at a time. */
  interface Receiver {
    void text(String message) throws IOException;

    void binary(ByteBuffer message) throws IOException;

    /**
     * The server is silent, perhaps because the network is. Called once in each silence, by another
     * thread than the other events.
     *
     * @param since for at least how long
     */
    void silent(Duration since);

    /** The link is lost. Called once, as the last event. */
    void lost(IOException cause);
  }

  /** The beats of a ping interval; each sends a ping. */
  private static final int BEATS = 4;

  private static final int SILENT_BEATS = 2;
  private static final int DEAD_BEATS = 3 * BEATS;

  private static final int CLOSED_ABNORMALLY = 1006;
  private static final long CLOSE_MILLIS = 1_000;

  /**
   * The JDK reports a handshake on the common pool, so it is late, or never comes, while a program
   * blocks all threads of that pool.
   */
  private static final long HANDSHAKE_SLACK_MILLIS = 5_000;

  /** Sends one message. */
  private interface Outgoing {
    CompletableFuture<WebSocket> send(WebSocket socket);
  }

  private final Receiver receiver;
  private final String peer;
  private final FragmentBuffer fragments = new FragmentBuffer();
  private final Duration beat;
  private final AtomicInteger silentBeats = new AtomicInteger();
  private final AtomicLong bytesSent = new AtomicLong();
  private final AtomicLong bytesReceived = new AtomicLong();
  private final ScheduledExecutorService pings =
      Executors.newSingleThreadScheduledExecutor(WireLink::daemon);
  private volatile @Nullable WebSocket socket;
  private volatile int maxBinaryBytes;

  // The following fields are guarded by queue.
  private final ArrayDeque<Outgoing> queue = new ArrayDeque<>();
  private boolean sending;
  private boolean lost;

  private WireLink(Receiver receiver, String peer, Duration pingInterval) {
    this.receiver = receiver;
    this.peer = peer;
    Duration quarter = pingInterval.dividedBy(BEATS);
    beat = quarter.toMillis() > 0 ? quarter : Duration.ofMillis(1);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "tandem-ping");
    thread.setDaemon(true);
    return thread;
  }

  /** Connects; an exception's message is for the user. */
  static WireLink connect(URI uri, ConnectionOptions options, Receiver receiver)
      throws IOException {
    HttpClient.Builder client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(options.connectTimeout());
    options.security().trust().ifPresent(client::sslContext);
    WebSocket.Builder builder =
        client.build().newWebSocketBuilder().connectTimeout(options.connectTimeout());
    options.security().apiKey().ifPresent(key -> builder.header("Authorization", "Bearer " + key));
    WireLink link = new WireLink(receiver, peer(uri), options.pingInterval());
    try {
      WebSocket socket =
          builder
              .buildAsync(uri, link)
              .get(
                  options.connectTimeout().toMillis() + HANDSHAKE_SLACK_MILLIS,
                  TimeUnit.MILLISECONDS);
      link.socket = socket;
    } catch (ExecutionException e) {
      link.pings.shutdownNow();
      throw new IOException(link.connectFailure(unwrapped(e), options.connectTimeout()), e);
    } catch (TimeoutException e) {
      link.pings.shutdownNow();
      throw new IOException(link.noAnswer(options.connectTimeout()), e);
    } catch (InterruptedException e) {
      link.pings.shutdownNow();
      Thread.currentThread().interrupt();
      throw (InterruptedIOException) new InterruptedIOException("interrupted").initCause(e);
    }
    long millis = link.beat.toMillis();
    var unused =
        link.pings.scheduleAtFixedRate(link::checkLife, millis, millis, TimeUnit.MILLISECONDS);
    return link;
  }

  static String peer(URI uri) {
    return uri.getPort() < 0 ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
  }

  private String connectFailure(Throwable cause, Duration timeout) {
    if (cause instanceof WebSocketHandshakeException e) {
      int status = e.getResponse().statusCode();
      return "the server at " + peer + refusal(status);
    }
    if (cause instanceof HttpTimeoutException) {
      return noAnswer(timeout);
    }
    if (cause instanceof SSLException) {
      return "no secure connection to "
          + peer
          + " ("
          + reason(cause)
          + "); check that it speaks TLS, and that its certificate is trusted here";
    }
    String why;
    if (cause instanceof ConnectException) {
      why =
          cause.getCause() instanceof UnresolvedAddressException
              ? "unknown host"
              : "connection refused";
    } else {
      why = reason(cause);
    }
    return "no server at " + peer + " (" + why + "); start it or check the address";
  }

  private String noAnswer(Duration timeout) {
    return "no answer from "
        + peer
        + " within "
        + timeout.toMillis()
        + " ms; check the address, or whether a firewall is in between";
  }

  private static String refusal(int status) {
    return switch (status) {
      case 401 -> " needs an API key that it knows";
      case 403 -> " refuses clients of this origin";
      case 429 -> " allows no more connections of this address or API key; close others";
      case 503 -> " is full or shutting down; try again later";
      default -> " is not a Tandem server (HTTP " + status + "); check the address";
    };
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure.getCause();
    boolean wrapper =
        failure instanceof CompletionException || failure instanceof ExecutionException;
    return wrapper && cause != null ? cause : failure;
  }

  private static String reason(Throwable cause) {
    String message = cause.getMessage();
    return message == null || message.isEmpty()
        ? cause.getClass().getSimpleName()
        : message.toLowerCase(Locale.ROOT);
  }

  /** Allows binary messages of up to that many bytes; the limit never falls. */
  synchronized void allowBinary(int maxBytes) {
    maxBinaryBytes = Math.max(maxBinaryBytes, maxBytes);
  }

  long bytesSent() {
    return bytesSent.get();
  }

  long bytesReceived() {
    return bytesReceived.get();
  }

  /** Queues a control message (ASCII, or close to it: characters count as bytes). */
  void sendText(String message) {
    bytesSent.addAndGet(message.length());
    send(socket -> socket.sendText(message, true));
  }

  /** Queues a tensor frame, which must not change afterwards. */
  void sendBinary(ByteBuffer message) {
    bytesSent.addAndGet(message.remaining());
    // The JDK masks eight bytes at a time and reverses them if the buffer is little-endian
    // (measured on 17.0.15); a duplicate is big-endian.
    ByteBuffer bigEndian = message.duplicate();
    send(socket -> socket.sendBinary(bigEndian, true));
  }

  private WebSocket socket() {
    WebSocket opened = socket;
    if (opened == null) {
      throw new IllegalStateException("not connected");
    }
    return opened;
  }

  /** Sends a close message and closes; the receiver gets no more events. */
  void close() {
    if (markLost()) {
      try {
        socket().sendClose(WebSocket.NORMAL_CLOSURE, "").get(CLOSE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (ExecutionException | TimeoutException e) {
        // The close message failed; the server will notice that the connection ended.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      socket().abort();
    }
  }

  private void send(Outgoing message) {
    synchronized (queue) {
      if (lost) {
        return;
      }
      queue.add(message);
      if (sending) {
        return;
      }
      sending = true;
    }
    sendNext();
  }

  private void sendNext() {
    while (true) {
      Outgoing next;
      synchronized (queue) {
        next = queue.poll();
        if (next == null) {
          sending = false;
          return;
        }
      }
      CompletableFuture<WebSocket> sent = next.send(socket());
      if (!sent.isDone() || sent.isCompletedExceptionally()) {
        var unused =
            sent.whenComplete(
                (sender, failure) -> {
                  if (failure == null) {
                    sendNext();
                  } else {
                    lose(closed(unwrapped(failure)));
                  }
                });
        return;
      }
    }
  }

  private void checkLife() {
    int silent = silentBeats.incrementAndGet();
    if (silent >= DEAD_BEATS) {
      lose(new IOException("the server at " + peer + " no longer answers"));
    } else {
      if (silent == SILENT_BEATS + 1) {
        receiver.silent(beat.multipliedBy(SILENT_BEATS));
      }
      send(socket -> socket.sendPing(ByteBuffer.allocate(0)));
    }
  }

  private boolean markLost() {
    synchronized (queue) {
      if (lost) {
        return false;
      }
      lost = true;
      queue.clear();
    }
    pings.shutdownNow();
    return true;
  }

  private void lose(IOException cause) {
    if (markLost()) {
      socket().abort();
      receiver.lost(cause);
    }
  }

  private IOException closed(Throwable cause) {
    return new IOException(closedMessage(reason(cause)), cause);
  }

  private String closedMessage(String why) {
    return "the server at "
        + peer
        + " closed the connection ("
        + why
        + "); start it or check the address";
  }

  @Override
  public void onOpen(WebSocket opened) {
    socket = opened;
    opened.request(1);
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    return received(
        from,
        data.length(),
        () -> {
          Optional<String> message = fragments.addText(data, last);
          if (message.isPresent()) {
            receiver.text(message.get());
          }
        });
  }

  @Override
  public @Nullable CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
    return received(
        from,
        data.remaining(),
        () -> {
          Optional<ByteBuffer> message = fragments.addBinary(data, last, maxBinaryBytes);
          if (message.isPresent()) {
            receiver.binary(message.get());
          }
        });
  }

  private interface Handling {
    void run() throws IOException;
  }

  /** Always null: the data is not needed after the return. */
  private @Nullable CompletionStage<?> received(WebSocket from, int length, Handling handling) {
    silentBeats.set(0);
    bytesReceived.addAndGet(length);
    try {
      handling.run();
      from.request(1);
    } catch (IOException e) {
      lose(
          new IOException("the server at " + peer + " sent a wrong message: " + e.getMessage(), e));
    }
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onPong(WebSocket from, ByteBuffer data) {
    silentBeats.set(0);
    from.request(1);
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket from, int status, String reason) {
    String why = status == CLOSED_ABNORMALLY ? "without notice" : "code " + status;
    lose(new IOException(closedMessage(reason.isEmpty() ? why : reason)));
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable error) {
    lose(closed(error));
  }
}
