package dev.tandem.scheduler;

import dev.tandem.scheduler.ScheduleException.Reason;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The stages that are open, one per span. It belongs to whoever holds the engine. */
final class StageRunners {
  /** Stages beyond this many are closed when no sequence uses them. */
  private static final int MAX_IDLE_STAGES = 8;

  private final StageProvider provider;
  private final LayerPace pace;
  private final SchedulerListener listener;
  private final PrefixCache prefixes;
  private final Map<Span, StageRunner> runners = new LinkedHashMap<>();
  private final StepBuffers buffers = new StepBuffers();

  StageRunners(
      StageProvider provider, LayerPace pace, SchedulerListener listener, PrefixCache prefixes) {
    this.provider = provider;
    this.pace = pace;
    this.listener = listener;
    this.prefixes = prefixes;
  }

  /** The runner of a span's stage, opened when it is first needed. */
  StageRunner of(Span span) throws ScheduleException, IOException {
    StageRunner known = runners.get(span);
    if (known != null) {
      return known;
    }
    try {
      span.checkWithin(provider.offered().span(), "the model");
    } catch (MissingSpanException e) {
      throw new ScheduleException(Reason.LAYERS, String.valueOf(e.getMessage()), e);
    }
    Iterator<StageRunner> oldest = runners.values().iterator();
    while (runners.size() >= MAX_IDLE_STAGES && oldest.hasNext()) {
      StageRunner candidate = oldest.next();
      if (candidate.isIdle()) {
        close(candidate);
        oldest.remove();
      }
    }
    StageRunner opened = new StageRunner(provider.open(span), buffers, pace, listener);
    runners.put(span, opened);
    return opened;
  }

  private void close(StageRunner runner) {
    prefixes.dropAllOf(runner);
    runner.close();
  }

  void close() {
    runners.values().forEach(this::close);
    runners.clear();
  }
}
