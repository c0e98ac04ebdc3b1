package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the steps of all sequences of one model on one thread. An iteration takes generated rows, at
 * most {@value #MAX_SEQUENCE_ROWS} per sequence and {@value #MAX_GENERATED_ROWS} in all, in one
 * call per stage; then at most one prompt chunk, which never crosses a multiple of C. Deficit round
 * robin over the lanes chooses both.
 */
public final class ModelScheduler implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ModelScheduler.class);

  static final int MAX_SEQUENCE_ROWS = 16;
  static final int MAX_GENERATED_ROWS = 256;

  /** Stages beyond this many are closed when no sequence uses them. */
  private static final int MAX_IDLE_STAGES = 8;

  private final StageProvider provider;
  private final int chunkRows;
  private final int maxSequences;
  private final int maxInFlight;
  private final long drainMillis;
  private final AtomicInteger reserved = new AtomicInteger();
  private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final CountDownLatch drained = new CountDownLatch(1);
  private final Thread thread;
  private volatile boolean draining;

  // Only the engine thread uses the following fields.
  private final List<Lane> lanes = new ArrayList<>();
  private final Map<Span, StageRunner> runners = new LinkedHashMap<>();
  private final StepBuffers buffers = new StepBuffers();
  private final List<Piece> pieces = new ArrayList<>();
  private int generatedLane;
  private int promptLane;
  private boolean promptVisitBegins = true;
  private boolean stopped;

  /**
   * Starts the engine thread.
   *
   * @param name the thread's name
   * @param provider opens the stages
   * @param maxSequences the largest number of sequences at once
   * @param maxInFlight the largest number of steps of a sequence at once
   * @param drainMillis how long {@link #close} waits for running steps
   */
  public ModelScheduler(
      String name, StageProvider provider, int maxSequences, int maxInFlight, long drainMillis) {
    this.provider = provider;
    this.chunkRows = provider.profile().chunkRows();
    this.maxSequences = maxSequences;
    this.maxInFlight = maxInFlight;
    this.drainMillis = drainMillis;
    this.thread = new Thread(this::run, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Creates a lane. */
  public Lane lane() {
    Lane lane = new Lane(this);
    post(() -> lanes.add(lane));
    return lane;
  }

  /** The number of sequences whose memory is reserved. */
  public int activeSequences() {
    return reserved.get();
  }

  /** Whether {@link #close} was called. */
  public boolean isClosing() {
    return draining;
  }

  /** Refuses new work, waits a limited time for queued steps, then frees everything; idempotent. */
  @Override
  public void close() {
    draining = true;
    wake();
    try {
      drained.await(drainMillis, TimeUnit.MILLISECONDS);
      post(() -> stopped = true);
      thread.join();
    } catch (InterruptedException e) {
      post(() -> stopped = true);
      Thread.currentThread().interrupt();
    }
  }

  CompletableFuture<ScheduledSequence> open(Lane lane, Span span, int maxPositions) {
    CompletableFuture<ScheduledSequence> result = new CompletableFuture<>();
    if (draining) {
      result.completeExceptionally(
          new ScheduleException(Reason.CAPACITY, "the server is shutting down"));
    } else if (reserved.incrementAndGet() > maxSequences) {
      reserved.decrementAndGet();
      result.completeExceptionally(
          new ScheduleException(
              Reason.CAPACITY, "all " + maxSequences + " sequences are in use; try again later"));
    } else {
      post(() -> openNow(lane, span, maxPositions, result));
    }
    return result;
  }

  void post(Runnable task) {
    tasks.add(task);
  }

  void wake() {
    post(() -> {});
  }

  void dropLane(Lane lane) {
    post(
        () -> {
          lane.endAll(Reason.CLOSED, "the connection is closed");
          lanes.remove(lane);
        });
  }

  // Only the engine thread calls the following methods.

  void ended(StageRunner runner) {
    runner.sequenceClosed();
    reserved.decrementAndGet();
  }

  private void run() {
    try {
      while (!stopped) {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          task.run();
        }
        if (!iterate() && !stopped) {
          if (draining) {
            drained.countDown();
          }
          tasks.take().run();
        }
      }
    } catch (InterruptedException e) {
      log.warn("the engine thread was interrupted");
    } finally {
      stopped = true;
      draining = true;
      drained.countDown();
      List.copyOf(lanes).forEach(lane -> lane.endAll(Reason.CLOSED, "the server has shut down"));
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        task.run();
      }
      List.copyOf(lanes).forEach(lane -> lane.endAll(Reason.CLOSED, "the server has shut down"));
      runners.values().forEach(StageRunner::close);
      runners.clear();
    }
  }

  private void openNow(
      Lane lane, Span span, int maxPositions, CompletableFuture<ScheduledSequence> result) {
    try {
      if (lane.isClosed() || stopped) {
        throw new ScheduleException(Reason.CLOSED, "the connection is closed");
      }
      StageRunner runner = runner(span);
      ScheduledSequence sequence =
          new ScheduledSequence(
              this, lane, runner, runner.open(maxPositions), chunkRows, maxInFlight);
      lane.add(sequence);
      result.complete(sequence);
    } catch (ScheduleException e) {
      reserved.decrementAndGet();
      result.completeExceptionally(e);
    } catch (IOException | RuntimeException | Error e) {
      log.error("a sequence of {} positions could not be opened: {}", maxPositions, e.toString());
      reserved.decrementAndGet();
      result.completeExceptionally(
          new ScheduleException(
              Reason.CAPACITY,
              "no room for a sequence of " + maxPositions + " positions: " + e.getMessage()));
    }
  }

  private StageRunner runner(Span span) throws ScheduleException, IOException {
    StageRunner known = runners.get(span);
    if (known != null) {
      return known;
    }
    try {
      span.checkWithin(provider.offered().span(), "the model");
    } catch (MissingSpanException e) {
      throw new ScheduleException(Reason.LAYERS, String.valueOf(e.getMessage()));
    }
    Iterator<StageRunner> oldest = runners.values().iterator();
    while (runners.size() >= MAX_IDLE_STAGES && oldest.hasNext()) {
      StageRunner candidate = oldest.next();
      if (candidate.isIdle()) {
        candidate.close();
        oldest.remove();
      }
    }
    StageRunner opened = new StageRunner(provider.open(span), buffers);
    runners.put(span, opened);
    return opened;
  }

  /** Runs one iteration; returns whether there was anything to do. */
  private boolean iterate() {
    boolean generated = pickGenerated();
    runPieces();
    boolean prompt = pickPrompt();
    runPieces();
    return generated || prompt;
  }

  private void runPieces() {
    for (Piece piece : pieces) {
      piece.sequence().runner().add(piece);
    }
    for (Piece piece : pieces) {
      piece.sequence().runner().run();
    }
    pieces.clear();
  }

  private boolean pickGenerated() {
    int budget = MAX_GENERATED_ROWS;
    int idleVisits = 0;
    while (budget > 0 && idleVisits < lanes.size()) {
      generatedLane = (generatedLane + 1) % lanes.size();
      int taken = lanes.get(generatedLane).takeGenerated(MAX_SEQUENCE_ROWS, budget, pieces);
      budget -= taken;
      idleVisits = taken == 0 ? idleVisits + 1 : 0;
    }
    return !pieces.isEmpty();
  }

  private boolean pickPrompt() {
    for (int visits = 0; visits <= lanes.size() && !lanes.isEmpty(); visits++) {
      promptLane %= lanes.size();
      if (lanes.get(promptLane).takePrompt(chunkRows, promptVisitBegins, pieces)) {
        promptVisitBegins = false;
        return true;
      }
      promptLane++;
      promptVisitBegins = true;
    }
    return false;
  }
}
