package dev.tandem.client;

import dev.tandem.protocol.ResumeToken;
import dev.tandem.protocol.TopReply;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageLostException;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A stage on a server that may go away. A step whose connection is lost continues on another
 * connection to that server, if it still holds the step's sequences. If it does not, the step fails
 * with {@link StageLostException}; the next sequence is opened on a server that answers, perhaps
 * another one.
 *
 * <p>Safe for use by many threads, as {@link RemoteStage} is.
 */
public final class ServerStage implements Stage {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
  private static final Duration FULL_PAUSE = Duration.ofSeconds(1);

  /** Connects to a server that can compute the stage's span with the stage's bits. */
  @FunctionalInterface
  public interface Connector {

    /**
     * A stage with a connection of its own.
     *
     * @throws IOException if no server can be used at the moment
     */
    RemoteStage connect() throws IOException;
  }

  private final Connector connector;
  private final Duration patience;
  private final Outage outage;
  private final StageSpec spec;
  private final ArithmeticProfile profile;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /**
   * A stage, and the traffic of the connections before its own.
   *
   * @param stage on the connection of the moment
   */
  private record Connected(RemoteStage stage, Traffic earlier) {
    Traffic traffic() {
      return earlier.plus(stage.connection().traffic());
    }
  }

  // Changed under the lock, and read without it by close and traffic.
  private volatile Connected current;
  private volatile boolean closed;

  /**
   * Connects for the first time; this is not tried twice.
   *
   * @param patience how long a lost server is looked for; zero: not at all
   * @throws IOException if no server can be used
   */
  public ServerStage(Connector connector, Duration patience, ConnectionListener listener)
      throws IOException {
    this.connector = connector;
    this.patience = patience;
    this.outage = new Outage(listener);
    RemoteStage stage = connect();
    current = new Connected(stage, new Traffic(0, 0, 0, 0));
    spec = stage.spec();
    profile = stage.profile();
  }

  private RemoteStage connect() throws IOException {
    RemoteStage stage = connector.connect();
    stage.onLoss(this::resume);
    String peer = stage.connection().peer();
    stage.connection().onSilence(since -> outage.silent(peer, since));
    return stage;
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  @Override
  public ArithmeticProfile profile() {
    return profile;
  }

  @Override
  public boolean canBeLost() {
    return true;
  }

  /** The traffic of all connections so far. It waits for nothing, also while a server is lost. */
  public Traffic traffic() {
    return current.traffic();
  }

  /**
   * {@inheritDoc} If the server is lost, this waits for it, or for another one, as long as the
   * patience lasts; an interrupt ends the wait.
   */
  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    return open(maxPositions, Optional.empty());
  }

  /** A stage behind this one, on the connection of the moment and without layers. */
  public RemoteStage withoutLayers() throws IOException {
    return current.stage().withSpan(Span.layers(spec.span().end(), spec.span().end()));
  }

  /**
   * This stage with the best {@code k} logits of each row as its answers. The server must hold the
   * head, which follows this stage's layers.
   */
  public RemoteTopStage top(int k) {
    return new RemoteTopStage(this, this::open, k);
  }

  private RemoteSequence open(int maxPositions, Optional<TopReply> top) throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      RemoteStage stage = connected(deadline);
      try {
        RemoteSequence opened = stage.open(maxPositions, top);
        outage.end(stage.connection().peer(), false);
        return opened;
      } catch (StageLostException e) {
        if (System.nanoTime() - deadline >= 0) {
          throw e;
        }
      } catch (ServerFullException e) {
        // A text that has begun waits for room, as it waits for a server.
        if (!outage.lasts() || System.nanoTime() - deadline >= 0) {
          throw e;
        }
        lockInterruptibly();
        try {
          pause(FULL_PAUSE, stage);
        } finally {
          lock.unlock();
        }
      }
    }
  }

  /** Moves the sequences of a step to a connection that works, see {@link Resumption}. */
  private void resume(List<RemoteSequence> lost, StageLostException cause) throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      RemoteStage stage = connected(deadline);
      try {
        for (RemoteSequence sequence : lost) {
          Optional<ResumeToken> token = sequence.token();
          if (token.isEmpty() || !isSameServer(sequence.stage(), stage)) {
            throw cause;
          }
          stage.resume(sequence, token.get());
        }
        outage.end(stage.connection().peer(), true);
        return;
      } catch (StageLostException e) {
        boolean refused = stage.connection().lostCause().isEmpty();
        if (refused || System.nanoTime() - deadline >= 0) {
          throw e;
        }
      }
    }
  }

  /**
   * Whether there is another connection to the same server. If it is the same connection, this
   * server has said that it does not know the sequence.
   */
  private static boolean isSameServer(RemoteStage lost, RemoteStage found) {
    return !found.equals(lost) && found.connection().peer().equals(lost.connection().peer());
  }

  /** The stage of a connection that is not known to be lost. */
  private RemoteStage connected(long deadline) throws IOException {
    lockInterruptibly();
    try {
      String cause = current.stage().connection().lostCause();
      if (!cause.isEmpty() && !closed) {
        reconnect(cause, deadline);
      }
      if (closed) {
        throw new IllegalStateException("the stage is closed");
      }
      return current.stage();
    } finally {
      lock.unlock();
    }
  }

  private void reconnect(String cause, long deadline) throws IOException {
    if (patience.isZero()) {
      throw new StageLostException(cause);
    }
    RemoteStage lost = current.stage();
    outage.begin(lost.connection().peer(), cause);
    IOException failure = new StageLostException(cause);
    Duration pause = FIRST_PAUSE;
    while (!closed && System.nanoTime() - deadline < 0) {
      try {
        RemoteStage found = connect();
        lost.connection().close(); // its sequences may be resumed
        current = new Connected(found, current.traffic());
        changed.signalAll();
        if (closed) { // in the meantime, by another thread
          end(found);
          throw new IllegalStateException("the stage is closed");
        }
        return;
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        failure = e;
      }
      pause(pause, lost);
      pause =
          pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0
              ? pause.multipliedBy(2)
              : LONGEST_PAUSE;
      if (!current.stage().equals(lost)) {
        return; // another thread has connected in the meantime
      }
    }
    throw failure;
  }

  /** Waits until the time is over, the stage is closed, or another thread has connected. */
  private void pause(Duration time, RemoteStage lost) throws InterruptedIOException {
    long left = time.toNanos();
    try {
      while (left > 0 && !closed && current.stage().equals(lost)) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private void lockInterruptibly() throws InterruptedIOException {
    try {
      lock.lockInterruptibly();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static InterruptedIOException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    return (InterruptedIOException) new InterruptedIOException("interrupted").initCause(cause);
  }

  /** {@inheritDoc} All sequences of a batch were opened on one connection. */
  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    if (!(batch.sequence(0) instanceof RemoteSequence sequence)) {
      throw new IllegalArgumentException("entry 0 belongs to another stage");
    }
    sequence.stage().step(batch, in, out);
  }

  /** {@inheritDoc} It does not wait for a thread that is connecting, which closes what it finds. */
  @Override
  public void close() {
    closed = true;
    if (lock.tryLock()) {
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
    end(current.stage());
  }

  private static void end(RemoteStage stage) {
    stage.close();
    stage.connection().close();
  }
}
