package dev.tandem.decoding;

import dev.tandem.stage.RowKind;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one sequence in every stage of a chain. They survive the loss of a stage: every row
 * that it had can be computed again, by that stage alone.
 */
final class ReplayableSteps implements DecodingRun.Steps, AutoCloseable {
  private final Generator generator;
  private final int capacity;
  private final TokenHistory history;
  private final RowRuns runs = new RowRuns();
  private final StageReplay replay;
  private volatile @Nullable ChainSequences sequences;
  private volatile boolean closed;
  private List<Double> temperatures = List.of();

  /**
   * @param capacity positions that the sequence can have
   * @param history the sequence's ids
   */
  ReplayableSteps(Generator generator, int capacity, TokenHistory history) {
    this.generator = generator;
    this.capacity = capacity;
    this.history = history;
    replay = new StageReplay(generator.embedder(), history, runs);
  }

  /**
   * {@inheritDoc} If a stage is lost, a new sequence is opened in it, as soon as that stage, or
   * another one in its place, can be reached. It computes its rows again as they were before, so
   * that the bits stay the same; the other stages compute nothing again.
   */
  @Override
  public void step(int from, int to, RowKind kind, int wanted) throws IOException {
    generator.chain().step(opened(), generator.embedder(), history.ids(), from, to, kind, wanted);
    runs.computed(from, to, kind, wanted > 0);
  }

  @Override
  public void fetch(int row) throws IOException {
    generator.chain().fetch(opened(), row);
  }

  @Override
  public int maxWanted() {
    ChainSequences known = sequences;
    return known == null ? Integer.MAX_VALUE : known.maxWanted();
  }

  /** From now on tokens are drawn at these temperatures; counts when sequences are opened. */
  void drawAt(List<Double> values) {
    temperatures = values;
  }

  @Override
  public int recoveries() {
    return replay.count();
  }

  private ChainSequences opened() throws IOException {
    ChainSequences known = sequences;
    if (known != null) {
      return known;
    }
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
    int maxRows = 1 + generator.drafting().maxTokens();
    ChainSequences opened = generator.chain().open(capacity, maxRows, temperatures, replay);
    sequences = opened;
    if (closed) { // in the meantime, by another thread
      opened.close();
      throw new IllegalStateException("the sequence is closed");
    }
    return opened;
  }

  /** Frees the sequence in all stages, from any thread; idempotent. */
  @Override
  public void close() {
    closed = true;
    ChainSequences opened = sequences;
    if (opened != null) {
      opened.close();
    }
  }
}
