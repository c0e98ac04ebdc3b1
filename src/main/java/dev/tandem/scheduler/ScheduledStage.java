package dev.tandem.scheduler;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A stage whose steps go through a {@link ModelScheduler}, where they share calls with those of
 * other sequences. Every sequence is in a lane of its own, so that each gets its turn.
 *
 * <p>Safe for use by many threads, each of which steps its own sequences; a sequence is one
 * thread's at a time, except its {@link Sequence#close}. Whoever closes a sequence, or interrupts
 * the thread that waits in {@link #step}, ends the running step, at the latest when the call that
 * is being computed is done.
 */
public final class ScheduledStage implements Stage {
  private final ModelScheduler scheduler;
  private final StageSpec spec;
  private final Set<ScheduledStageSequence> sequences = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * A stage; nothing is opened yet.
   *
   * @param scheduler must stay open; the caller closes it afterwards
   * @param span what it computes
   * @throws dev.tandem.stage.MissingSpanException if the scheduler's model does not have it
   */
  public ScheduledStage(ModelScheduler scheduler, Span span) {
    this.scheduler = scheduler;
    StageSpec offered = scheduler.provider().offered();
    span.checkWithin(offered.span(), "the model");
    this.spec = offered.withSpan(span);
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  /** {@inheritDoc} It is that of all that the model offers, whatever the span. */
  @Override
  public ArithmeticProfile profile() {
    return scheduler.provider().profile();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IOException if there is no room for another sequence, or the weights cannot be read
   * @throws IllegalStateException if the stage or the scheduler is closed
   */
  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    checkOpen();
    if (maxPositions < 1 || maxPositions > spec.maxSeq()) {
      throw new IllegalArgumentException(
          "positions must be in 1.." + spec.maxSeq() + ", got " + maxPositions);
    }
    Lane lane = scheduler.lane();
    boolean opened = false;
    try {
      ScheduledSequence scheduled = await(lane.open(spec.span(), maxPositions));
      ScheduledStageSequence sequence =
          new ScheduledStageSequence(this, scheduler, lane, scheduled);
      sequences.add(sequence);
      if (closed) { // meanwhile
        sequence.close();
        checkOpen();
      }
      opened = true;
      return sequence;
    } finally {
      if (!opened) {
        lane.close(); // which also frees what is opened later
      }
    }
  }

  private static ScheduledSequence await(CompletableFuture<ScheduledSequence> opening)
      throws IOException {
    try {
      return opening.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ScheduleException refusal) {
        throw failure(refusal);
      }
      throw new IllegalStateException(e);
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IOException if the step failed or the thread was interrupted; the sequence is closed
   * @throws IllegalStateException if a sequence, the stage or the scheduler is closed
   */
  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    checkOpen();
    FloatBuffer from = checked("in", in, (long) batch.totalRows() * spec.dModel());
    FloatBuffer to = checked("out", out, (long) batch.totalOut() * spec.outWidth());
    for (int entry = 0; entry < batch.size(); entry++) {
      if (!(batch.sequence(entry) instanceof ScheduledStageSequence sequence)
          || sequence.stage() != this) {
        throw new IllegalArgumentException("entry " + entry + " is a sequence of another stage");
      }
    }
    ScheduleException failure = run(batch, from, to);
    if (failure != null) {
      throw Thread.currentThread().isInterrupted() ? interrupted() : failure(failure);
    }
  }

  /** Submits all entries and waits for them: the first failure, or null. */
  private @Nullable ScheduleException run(Batch batch, FloatBuffer in, FloatBuffer out) {
    ScheduleException failure = null;
    int inAt = 0;
    int outAt = 0;
    int submitted = 0;
    try {
      for (; submitted < batch.size(); submitted++) {
        sequence(batch, submitted).submit(batch, submitted, in, inAt, out, outAt);
        inAt += batch.nRows(submitted) * spec.dModel();
        outAt += batch.nOut(submitted) * spec.outWidth();
      }
    } catch (ScheduleException e) {
      failure = e;
    } finally {
      awaitAll(batch, submitted);
    }
    for (int entry = 0; entry < submitted; entry++) {
      ScheduleException ended = sequence(batch, entry).finish(batch, entry);
      failure = failure == null ? ended : failure;
    }
    return failure;
  }

  /** Nothing may read or write the caller's buffers any more when it goes on. */
  private void awaitAll(Batch batch, int submitted) {
    boolean interrupted = false;
    for (int entry = 0; entry < submitted; entry++) {
      ScheduledStageSequence sequence = sequence(batch, entry);
      if (!interrupted && !scheduler.await(sequence.step())) {
        interrupted = true;
        for (int each = entry; each < submitted; each++) {
          sequence(batch, each).close();
        }
      }
      scheduler.awaitUninterruptibly(sequence.step());
    }
  }

  private static ScheduledStageSequence sequence(Batch batch, int entry) {
    return (ScheduledStageSequence) batch.sequence(entry);
  }

  private static FloatBuffer checked(String name, FloatBuffer buffer, long floats) {
    if (!buffer.isDirect() || buffer.capacity() < floats) {
      throw new IllegalArgumentException(
          name + " must be direct and hold " + floats + " floats, it holds " + buffer.capacity());
    }
    return buffer.limit() == buffer.capacity() ? buffer : buffer.duplicate().clear();
  }

  private static InterruptedIOException interrupted() {
    return new InterruptedIOException("interrupted");
  }

  /** The scheduler's refusal, as a stage's callers know it. */
  private static IOException failure(ScheduleException cause) {
    String message = String.valueOf(cause.getMessage());
    switch (cause.reason()) {
      case LAYERS, LIMIT, POSITION -> throw new IllegalArgumentException(message, cause);
      case CLOSED -> throw new IllegalStateException(message, cause);
      case CAPACITY, CLOSING, RECLAIMED, INTERNAL -> {
        return new IOException(message, cause);
      }
    }
    throw new IllegalStateException(message, cause);
  }

  void closed(ScheduledStageSequence sequence) {
    sequences.remove(sequence);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the stage is closed");
    }
  }

  /** Closes its sequences; running steps fail. Idempotent. */
  @Override
  public void close() {
    closed = true;
    List.copyOf(sequences).forEach(ScheduledStageSequence::close);
  }
}
