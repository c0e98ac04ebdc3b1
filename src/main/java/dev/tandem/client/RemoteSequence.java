package dev.tandem.client;

import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.stage.Sequence;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** A sequence on a server. One thread steps it; any thread may close it. */
final class RemoteSequence implements Sequence {
  private final RemoteStage stage;
  private final Opened opened;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Queue<CompletableFuture<ServerMessage>> inFlight = new ConcurrentLinkedQueue<>();
  private volatile int length;

  RemoteSequence(RemoteStage stage, Opened opened) {
    this.stage = stage;
    this.opened = opened;
  }

  @Override
  public int length() {
    checkOpen();
    return length;
  }

  @Override
  public int capacity() {
    return opened.limits().maxPositions();
  }

  /** {@inheritDoc} A step that waits fails: the server answers no step of a closed sequence. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      stage.closed(this);
      stage.connection().tell(new CloseSequence(id()));
      inFlight.forEach(RemoteSequence::fail);
    }
  }

  /** Waits for one more answer. */
  void expect(CompletableFuture<ServerMessage> answer) {
    inFlight.add(answer);
    if (closed.get()) {
      fail(answer);
    }
  }

  private static void fail(CompletableFuture<ServerMessage> answer) {
    answer.completeExceptionally(new IllegalStateException("the sequence is closed"));
  }

  RemoteStage stage() {
    return stage;
  }

  int id() {
    return opened.sequence();
  }

  int epoch() {
    return opened.epoch();
  }

  SequenceLimits limits() {
    return opened.limits();
  }

  /** Answers that have not arrived, the oldest first, including those of abandoned steps. */
  Queue<CompletableFuture<ServerMessage>> inFlight() {
    return inFlight;
  }

  void setLength(int newLength) {
    length = newLength;
  }

  void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException("the sequence is closed");
    }
  }
}
