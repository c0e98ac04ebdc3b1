package dev.tandem.client;

import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.ResumeToken;
import dev.tandem.protocol.Resumed;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.TopReply;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.StepRows;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A sequence on a server. One thread steps it; any thread may close it. */
final class RemoteSequence implements Sequence {
  private final int maxPositions;
  private final Optional<TopReply> top;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Queue<CompletableFuture<ServerMessage>> inFlight = new ConcurrentLinkedQueue<>();
  private volatile RemoteStage stage;
  private volatile int length;

  /** What the server said; null before it was asked. */
  private volatile @Nullable Opened opened;

  /** What its server calls it on another connection than its first one; null on that. */
  private volatile @Nullable Resumed resumed;

  /** The last frame that was answered; null before the first. */
  private @Nullable FramePlan lastFrame;

  /**
   * A sequence that the server does not know yet.
   *
   * @param top what it is opened with
   */
  RemoteSequence(RemoteStage stage, int maxPositions, Optional<TopReply> top) {
    this.stage = stage;
    this.maxPositions = maxPositions;
    this.top = top;
  }

  /** Whether the server knows the sequence. */
  boolean hasBegun() {
    return opened != null;
  }

  /** The server has opened the sequence, and has its first rows as far as it says. */
  void begin(Opened answer) {
    length = answer.firstPosition();
    synchronized (this) {
      opened = answer;
      if (closed.get()) { // in the meantime, by another thread
        stage.connection().tell(new CloseSequence(answer.sequence()));
      }
    }
    checkOpen();
  }

  private Opened opened() {
    Opened known = opened;
    if (known == null) {
      throw new IllegalStateException("the server does not know the sequence yet");
    }
    return known;
  }

  @Override
  public int length() {
    checkOpen();
    return length;
  }

  @Override
  public int capacity() {
    return maxPositions;
  }

  /** {@inheritDoc} A step that waits fails: the server answers no step of a closed sequence. */
  @Override
  public void close() {
    boolean known;
    synchronized (this) {
      if (!closed.compareAndSet(false, true)) {
        return;
      }
      known = opened != null;
    }
    stage.closed(this);
    if (known) {
      stage.connection().tell(new CloseSequence(id()));
    }
    inFlight.forEach(RemoteSequence::fail);
  }

  /** With what the server finds it again; empty if it keeps nothing. */
  Optional<ResumeToken> token() {
    Opened known = opened;
    return known == null ? Optional.empty() : known.resume();
  }

  /** The sequence continues on another connection; what was not answered never will be. */
  void moveTo(RemoteStage other, Resumed answer) {
    inFlight.clear();
    synchronized (this) {
      stage = other;
      resumed = answer;
      if (closed.get()) { // in the meantime, by another thread
        other.connection().tell(new CloseSequence(answer.sequence()));
      }
    }
    checkOpen();
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
    Resumed now = resumed;
    return now == null ? opened().sequence() : now.sequence();
  }

  int epoch() {
    Resumed now = resumed;
    return now == null ? opened().epoch() : now.epoch();
  }

  SequenceLimits limits() {
    return opened().limits();
  }

  /** Answers that have not arrived, the oldest first, including those of abandoned steps. */
  Queue<CompletableFuture<ServerMessage>> inFlight() {
    return inFlight;
  }

  Optional<TopReply> top() {
    return top;
  }

  /** A frame of a step was answered. */
  void answered(FramePlan frame) {
    lastFrame = frame;
    length = frame.rows().end();
  }

  /**
   * The index of an output row of the last step within its last frame.
   *
   * @throws IllegalStateException if it is in no such frame
   */
  int inLastFrame(int row) {
    FramePlan frame = lastFrame;
    int index = frame == null ? -1 : row - frame.outRow();
    if (frame == null || index < 0 || index >= frame.rows().nOut()) {
      throw new IllegalStateException("row " + row + " is not in the last frame: " + frame);
    }
    return index;
  }

  /** The rows of the last frame that was answered. */
  StepRows lastRows() {
    FramePlan frame = lastFrame;
    if (frame == null) {
      throw new IllegalStateException("no frame was answered");
    }
    return frame.rows();
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
