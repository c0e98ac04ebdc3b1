package dev.tandem.api;

import dev.tandem.decoding.DecodingSession;
import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.TokenSink;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import java.io.IOException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A conversation with a {@link ServedModel}: one generator and one sequence, kept between turns.
 */
final class ServedConversation implements Conversation {
  private final ServedModel model;

  // Guarded by this.
  private ServedModel.@Nullable Lease lease;
  private @Nullable DecodingSession session;
  private @Nullable Generation turn;
  private boolean busy; // a turn uses the session
  private int length;
  private boolean over;
  private boolean closed;

  ServedConversation(ServedModel model) {
    this.model = model;
  }

  @Override
  public synchronized Generation start(GenerationRequest request, GenerationListener listener) {
    if (closed || over) {
      throw new IllegalStateException(
          closed ? "the conversation is closed" : "the conversation ended when a turn failed");
    }
    if (busy) {
      throw new IllegalStateException("a turn is running; wait for its result or cancel it");
    }
    Generation started = model.start(new Turn(request.withSeed()), listener);
    busy = true; // the turn's thread waits for this lock before it ends
    turn = started;
    return started;
  }

  @Override
  public synchronized int length() {
    return length;
  }

  /** The first request chooses how the sequence is computed. */
  private DecodingSession session(GenerationRequest request) throws IOException {
    synchronized (this) {
      if (session != null) {
        return session;
      }
    }
    ServedModel.Lease acquired = model.acquire(request);
    synchronized (this) {
      if (closed) {
        model.release(acquired);
        throw new IllegalStateException("the conversation is closed");
      }
      lease = acquired;
      session = acquired.generator().open(acquired.generator().maxSeq());
      return session;
    }
  }

  private synchronized void ended() {
    busy = false;
    if (session != null) {
      length = session.length();
      over = session.isClosed();
    }
    if (closed) {
      free();
    }
  }

  @Override
  public void close() {
    Generation running;
    DecodingSession open;
    synchronized (this) {
      closed = true;
      running = turn;
      open = session;
      if (!busy) {
        free();
      }
    }
    if (running != null) {
      running.cancel();
    }
    if (open != null) {
      open.close();
    }
    model.forget(this);
  }

  /** Gives the generator back; only when no turn uses it. */
  private void free() {
    if (session != null) {
      session.close();
      session = null;
    }
    if (lease != null) {
      model.release(lease);
      lease = null;
    }
  }

  private final class Turn implements RunningGeneration.Work {
    private final GenerationRequest request;

    Turn(GenerationRequest request) {
      this.request = request;
    }

    @Override
    public GenerationResult run(TokenSink sink, BooleanSupplier cancelled)
        throws IOException, GenerationException {
      try {
        return session(request).run(request, sink, cancelled);
      } finally {
        ended();
      }
    }

    /** The running step ends by itself: its rows stay in the sequence. */
    @Override
    public void abort() {}
  }
}
