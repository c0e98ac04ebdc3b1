package dev.tandem.decoding;

import dev.tandem.stage.RowKind;
import dev.tandem.stage.StageLostException;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one sequence in every stage of a chain. They survive the loss of a stage: the ids
 * are known, so every row can be computed again.
 */
final class ReplayableSteps implements DecodingRun.Steps, AutoCloseable {
  /** So often in turn, one step may lose its stage before it fails. */
  private static final int MAX_LOSSES = 20;

  private final Generator generator;
  private final int capacity;
  private final TokenHistory history;
  private final RowRuns runs = new RowRuns();
  private volatile StageChain.@Nullable Sequences sequences;
  private volatile boolean closed;
  private List<Double> temperatures = List.of();
  private int recoveries;

  // The last step.
  private int lastFrom;
  private int lastTo;
  private RowKind lastKind = RowKind.PROMPT;
  private int lastWanted;

  /**
   * @param capacity positions that the sequence can have
   * @param history the sequence's ids
   */
  ReplayableSteps(Generator generator, int capacity, TokenHistory history) {
    this.generator = generator;
    this.capacity = capacity;
    this.history = history;
  }

  /**
   * {@inheritDoc} If a stage is lost, new sequences are opened, as soon as that stage, or another
   * one in its place, can be reached. All rows are then computed again as they were before, so that
   * the bits stay the same.
   */
  @Override
  public void step(int from, int to, RowKind kind, int wanted) throws IOException {
    for (int losses = 0; ; losses++) {
      try {
        compute(from, to, kind, wanted);
        lastFrom = from;
        lastTo = to;
        lastKind = kind;
        lastWanted = wanted;
        return;
      } catch (StageLostException e) {
        if (losses == MAX_LOSSES || closed) {
          throw e;
        }
        closeSequences();
      }
    }
  }

  /** {@inheritDoc} If the stage is lost, the step is computed again, with the same bits. */
  @Override
  public void fetch(int row) throws IOException {
    for (int losses = 0; ; losses++) {
      StageChain.Sequences known = sequences;
      if (known == null) {
        step(lastFrom, lastTo, lastKind, lastWanted);
        continue;
      }
      try {
        generator.chain().fetch(known, row);
        return;
      } catch (StageLostException e) {
        if (losses >= MAX_LOSSES || closed) {
          throw e;
        }
        closeSequences();
      }
    }
  }

  @Override
  public int maxWanted() {
    StageChain.Sequences known = sequences;
    return known == null ? Integer.MAX_VALUE : known.maxWanted();
  }

  /** From now on tokens are drawn at these temperatures; counts when sequences are opened. */
  void drawAt(List<Double> values) {
    temperatures = values;
  }

  @Override
  public int recoveries() {
    return recoveries;
  }

  private void compute(int from, int to, RowKind kind, int wanted) throws IOException {
    StageChain.Sequences known = sequences;
    if (known == null) {
      known = open();
      if (runs.size() > 0) {
        recoveries++;
        replay(known, from);
      }
    }
    step(known, from, to, kind, wanted);
    runs.computed(from, to, kind, wanted > 0);
  }

  /** Computes the rows before a position again. */
  private void replay(StageChain.Sequences opened, int end) throws IOException {
    int frame = generator.chain().frameRows();
    for (int run = 0; run < runs.size(); run++) {
      boolean prompt = runs.kind(run) == RowKind.PROMPT;
      int last = prompt ? runs.end(run) : Math.min(runs.end(run), end);
      for (int from = runs.begin(run); from < last && runs.begin(run) < end; ) {
        int to = Math.min(prompt ? from - from % frame + frame : from + frame, last);
        boolean ends = prompt && runs.isComplete(run) && to == last;
        step(opened, from, to, runs.kind(run), ends ? 1 : 0);
        from = to;
      }
    }
  }

  private void step(StageChain.Sequences opened, int from, int to, RowKind kind, int wanted)
      throws IOException {
    generator.chain().step(opened, generator.embedder(), history.ids(), from, to, kind, wanted);
  }

  private StageChain.Sequences open() throws IOException {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
    int maxRows = 1 + generator.drafting().maxTokens();
    StageChain.Sequences opened = generator.chain().open(capacity, maxRows, temperatures);
    sequences = opened;
    if (closed) { // in the meantime, by another thread
      opened.close();
      throw new IllegalStateException("the sequence is closed");
    }
    return opened;
  }

  private void closeSequences() {
    StageChain.Sequences opened = sequences;
    sequences = null;
    if (opened != null) {
      opened.close();
    }
  }

  /** Frees the sequence in all stages, from any thread; idempotent. */
  @Override
  public void close() {
    closed = true;
    StageChain.Sequences opened = sequences;
    if (opened != null) {
      opened.close();
    }
  }
}
