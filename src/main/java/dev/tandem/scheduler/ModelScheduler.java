package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs the steps of all sequences of one model, one call after another. An iteration takes
 * generated rows, at most {@value Turns#MAX_SEQUENCE_ROWS} per sequence and {@value
 * Turns#MAX_GENERATED_ROWS} in all, in one call per stage; then at most one prompt chunk, which
 * never crosses a multiple of C. Both are picked by deficit round robin over the tenants.
 *
 * <p>One thread at a time holds the engine: the scheduler's own, or, where that has nothing to do,
 * a caller who waits for a step anyway. So a generation alone pays no change of threads per token.
 *
 * <p>Safe for use by many threads.
 */
public final class ModelScheduler implements AutoCloseable {
  private final StageProvider provider;
  private final SchedulerListener listener;
  private final SchedulerLimits limits;
  private final int chunkRows;
  private final Inbox inbox = new Inbox();
  private final ReentrantLock engine = new ReentrantLock();
  private final Thread thread;
  private volatile boolean draining;
  private volatile boolean stopped;

  // The rest belongs to whoever holds the engine.
  private final Turns turns = new Turns();
  private final LayerPace pace;
  private final DetachedSequences detached = new DetachedSequences();
  private final PrefixCache prefixes;
  private final StageRunners runners;
  private final List<Piece> pieces = new ArrayList<>();
  private final Gathering gathering = new Gathering();
  private final Openings openings;
  private int queuedSteps;

  /**
   * Starts the scheduler's thread.
   *
   * @param name the thread's name
   * @param provider opens the stages
   * @param listener gets the failures
   */
  public ModelScheduler(
      String name, StageProvider provider, SchedulerLimits limits, SchedulerListener listener) {
    this.provider = provider;
    this.listener = listener;
    this.limits = limits;
    this.pace = new LayerPace(provider.layerMillis());
    this.chunkRows = provider.profile().chunkRows();
    Room room = new Room(limits);
    this.prefixes = new PrefixCache(limits.prefixBytes(), chunkRows, room, listener);
    this.runners = new StageRunners(provider, pace, listener, prefixes);
    this.openings =
        new Openings(this, limits, room, listener, runners, List.of(detached, prefixes), turns);
    this.thread = new Thread(this::run, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Creates a tenant, who may have many lanes. */
  public Tenant tenant() {
    return tenant(Long.MAX_VALUE);
  }

  /**
   * Creates a tenant with a limit of its own.
   *
   * @param maxBytes memory that its sequences may reserve together
   */
  public Tenant tenant(long maxBytes) {
    return new Tenant(this, maxBytes);
  }

  /** Creates a lane with a tenant of its own. */
  public Lane lane() {
    return tenant().lane();
  }

  Lane lane(Tenant tenant) {
    Lane lane = new Lane(this, tenant);
    inbox.post(() -> turns.add(lane));
    return lane;
  }

  /** The number of open sequences. */
  public int activeSequences() {
    return load().sequences();
  }

  /** What its sequences use at the moment. */
  public SchedulerLoad load() {
    return openings.load();
  }

  /** How long a layer takes for a call of generated rows; empty if none was measured yet. */
  public OptionalDouble layerMillis() {
    return pace.millis();
  }

  /** The bytes of the chunks of prompts that are kept. */
  public long prefixBytes() {
    return prefixes.bytes();
  }

  /** Whether {@link #close} was called. */
  public boolean isClosing() {
    return draining;
  }

  /**
   * Opens nothing more, waits a limited time for the sequences that are being stepped, then frees
   * everything; idempotent.
   */
  @Override
  public void close() {
    draining = true;
    inbox.call();
    try {
      Drain.await(inbox, limits.drainMillis(), this::isWorking);
      inbox.post(() -> stopped = true);
      thread.join();
    } catch (InterruptedException e) {
      inbox.post(() -> stopped = true);
      Thread.currentThread().interrupt();
    }
  }

  CompletableFuture<ScheduledSequence> open(
      Lane lane, Span span, int maxPositions, List<String> prefix) {
    CompletableFuture<ScheduledSequence> result = new CompletableFuture<>();
    Opening opening = new Opening(lane, span, maxPositions, prefix, result, System.nanoTime(), 0);
    if (draining || !inbox.postOpening(() -> openings.arrived(opening))) {
      opening.refuse(closing());
    }
    return result;
  }

  static ScheduleException closing() {
    return new ScheduleException(Reason.CLOSING, "the model is being closed");
  }

  Inbox inbox() {
    return inbox;
  }

  DetachedSequences detached() {
    return detached;
  }

  int chunkRows() {
    return chunkRows;
  }

  StageProvider provider() {
    return provider;
  }

  void dropLane(Lane lane) {
    inbox.post(() -> drop(lane));
  }

  /** As {@link #dropLane}, for a caller who waits with {@link #await}. */
  void dropLaneQuietly(Lane lane) {
    inbox.postQuietly(() -> drop(lane));
  }

  /**
   * Waits for what was posted quietly, and runs it if the engine is idle.
   *
   * <p>If it is not, whoever holds it looks for what was posted after it lets go of the engine, so
   * that nothing stays undone: see {@link #letGo}.
   *
   * @return false if the thread was interrupted before that; then it waits no longer
   */
  boolean await(Waited waited) {
    while (!waited.isDone()) {
      if (!inbox.isCalled() && !engine.hasQueuedThreads() && engine.tryLock()) {
        try {
          runFor(waited);
        } finally {
          letGo();
        }
      }
      if (!waited.isDone()) {
        if (Thread.currentThread().isInterrupted()) {
          return false;
        }
        LockSupport.park(this);
      }
    }
    return true;
  }

  /** As {@link #await}, interrupted or not. */
  void awaitUninterruptibly(Waited waited) {
    boolean interrupted = false;
    while (!await(waited)) {
      interrupted |= Thread.interrupted(); // an interrupted thread would not park
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void runFor(Waited waited) {
    boolean worked = false;
    try {
      runTasks();
      boolean busy = true;
      while (!waited.isDone() && busy && !stopped) {
        busy = runGenerated();
        if (!waited.isDone()) {
          busy |= runPrompt();
          runTasks();
        }
      }
      worked = true;
    } finally {
      if (!worked) {
        stopped = true; // a bug of ours: the sequences are in no known state
        inbox.call();
      }
    }
  }

  private void letGo() {
    boolean more = queuedSteps > 0 || stopped || openings.isWaiting();
    engine.unlock();
    if (more || inbox.hasTasks()) {
      inbox.call();
    }
  }

  // Only for whoever holds the engine, from here on.

  private void drop(Lane lane) {
    openings.laneClosed(lane);
    lane.endAll(Reason.CLOSED, "the sequence is closed");
    turns.remove(lane);
  }

  PrefixCache prefixes() {
    return prefixes;
  }

  void stepCame(ScheduledSequence sequence, long nanos) {
    queuedSteps++;
    gathering.stepCame(sequence.pace(), nanos);
  }

  void stepDone(ScheduledSequence sequence, boolean last) {
    queuedSteps--;
    if (last) {
      gathering.stepDone(sequence.pace(), System.nanoTime());
    }
  }

  /** A sequence's waiting steps will not be computed. */
  void stepsDropped(ScheduledSequence sequence, int n) {
    queuedSteps -= n;
    gathering.gone(sequence.pace());
  }

  void ended(ScheduledSequence sequence, int droppedSteps) {
    stepsDropped(sequence, droppedSteps);
    sequence.runner().sequenceClosed();
    openings.ended(sequence);
  }

  private void run() {
    try {
      while (!stopped) {
        boolean busy;
        long wait;
        engine.lock();
        try {
          inbox.answer();
          runTasks();
          runOpenings();
          busy = !stopped && iterate();
          wait = openings.nanosToNext();
        } finally {
          engine.unlock();
        }
        if (!busy && !stopped) {
          inbox.awaitCall(wait);
        }
      }
    } catch (InterruptedException e) {
      listener.failed("the engine thread was interrupted", e);
    } finally {
      engine.lock();
      try {
        end();
      } finally {
        engine.unlock();
      }
    }
  }

  private void end() {
    stopped = true;
    draining = true;
    inbox.shut();
    turns.endAll("the model is closed");
    detached.endAll("the model is closed");
    runTasks();
    runOpenings(); // they are refused
    turns.endAll("the model is closed");
    detached.endAll("the model is closed");
    runners.close();
  }

  private void runTasks() {
    for (Runnable task = inbox.nextTask(); task != null; task = inbox.nextTask()) {
      task.run();
    }
  }

  private void runOpenings() {
    for (Runnable next = inbox.nextOpening(); next != null; next = inbox.nextOpening()) {
      next.run();
    }
    if (draining) {
      openings.refuseAll(closing());
    } else {
      openings.admit();
    }
  }

  /** Whether steps wait, or the last one of a sequence was a shorter pause ago than that. */
  private boolean isWorking(long pauseNanos) {
    boolean[] working = {queuedSteps > 0};
    long now = System.nanoTime();
    turns.forEach(sequence -> working[0] |= now - sequence.lastStepNanos() < pauseNanos);
    return working[0];
  }

  /** One iteration: whether there was anything to do. */
  private boolean iterate() {
    boolean generated = runGenerated();
    boolean prompt = runPrompt();
    return generated || prompt;
  }

  /** One batch of generated rows: whether there was one. */
  private boolean runGenerated() {
    gather();
    if (!turns.pickGenerated(pieces)) {
      return false;
    }
    long begin = System.nanoTime();
    runPieces();
    long now = System.nanoTime();
    gathering.batchDone(now - begin, now);
    return true;
  }

  /** Waits for sequences that will have a row in a moment, see {@link Gathering}. */
  private void gather() {
    long nanos = queuedSteps == 0 ? 0 : gathering.waitNanos(System.nanoTime());
    while (nanos > 0 && inbox.awaitTask(nanos)) {
      runTasks();
      nanos = gathering.waitNanos(System.nanoTime());
    }
    if (queuedSteps > 0 && gathering.isAwaiting()) {
      turns.forEach(sequence -> gathering.gone(sequence.pace()));
    }
  }

  /** One prompt chunk: whether there was one. */
  private boolean runPrompt() {
    if (!turns.pickPrompt(chunkRows, pieces)) {
      return false;
    }
    runPieces();
    return true;
  }

  private void runPieces() {
    for (int i = 0; i < pieces.size(); i++) {
      pieces.get(i).sequence().runner().add(pieces.get(i));
    }
    for (int i = 0; i < pieces.size(); i++) {
      pieces.get(i).sequence().runner().run();
    }
    pieces.clear();
  }
}
