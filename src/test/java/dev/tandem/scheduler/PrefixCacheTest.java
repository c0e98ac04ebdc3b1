package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.settings.Output;
import dev.tandem.stage.Span;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whole chunks of prompts, kept for sequences that begin with the same rows. */
@Timeout(60)
class PrefixCacheTest {
  private static final int C = SchedulerFixture.C;
  private static final int D = SchedulerFixture.D;
  private static final int VOCAB = 11;
  private static final long CHUNK_BYTES = 4L * C * D; // of the toy
  private static final Span WHOLE = Span.whole(ToyProvider.LAYERS);

  private final ToyProvider model = new ToyProvider(C, D, VOCAB, 1_000);
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private final List<Integer> computed = new CopyOnWriteArrayList<>();
  private ModelScheduler scheduler = scheduler(1 << 20);

  private ModelScheduler scheduler(long bytes) {
    return scheduler(SchedulerLimits.of(8, 16, 1_000).withPrefixBytes(bytes));
  }

  private ModelScheduler scheduler(SchedulerLimits limits) {
    model.onStep(batch -> computed.add(batch.totalRows()));
    return new ModelScheduler("engine", model, limits, (problem, cause) -> failures.add(problem));
  }

  private void restart(long bytes) {
    scheduler.close();
    scheduler = scheduler(bytes);
  }

  @AfterEach
  void close() {
    scheduler.close();
    assertThat(model.openSequences()).isZero();
    assertThat(scheduler.prefixBytes()).isZero();
    assertThat(failures).isEmpty();
  }

  /** Rows of one prompt: those of other seeds differ from the first row on. */
  private static FloatBuffer rows(int seed, int position, int n) {
    FloatBuffer rows = FloatBuffer.allocate(n * D);
    for (int i = 0; i < n * D; i++) {
      rows.put(i, (position * D + i) % 17 * 0.125f + seed);
    }
    return rows;
  }

  private static List<String> keys(String prompt, int n) {
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      keys.add(prompt + i);
    }
    return keys;
  }

  private ScheduledSequence open(Span span, int capacity, List<String> keys) throws Exception {
    return scheduler.lane().open(span, capacity, keys).get();
  }

  /** The logits of all rows from the first one needed on; whole chunks are kept. */
  private float[] run(ScheduledSequence sequence, int seed, String prompt, int n) throws Exception {
    List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
    for (int at = sequence.restored(); at < n; at += C) {
      int count = Math.min(C, n - at);
      CompletableFuture<FloatBuffer> done = new CompletableFuture<>();
      SchedulerFixture.Step step = SchedulerFixture.prompt(at, count, at + count == n, 0, count);
      List<String> chunks = count == C ? keys(prompt, at / C + 1) : List.of();
      sequence.submit(step.rows(), rows(seed, at, count), chunks, done);
      results.add(done);
    }
    float[] all = new float[0];
    for (CompletableFuture<FloatBuffer> result : results) {
      float[] part = SchedulerFixture.floats(result.get());
      int end = all.length;
      all = Arrays.copyOf(all, end + part.length);
      System.arraycopy(part, 0, all, end, part.length);
    }
    sequence.close().get();
    return all;
  }

  private int restored(String prompt, int chunks) throws Exception {
    ScheduledSequence sequence = open(WHOLE, 100, keys(prompt, chunks));
    int restored = sequence.restored();
    sequence.close().get();
    return restored;
  }

  @Test
  void aKnownBeginningIsNotComputedAgainAndChangesNoBit() throws Exception {
    int n = 3 * C + 5;
    float[] first = run(open(WHOLE, n, keys("a", 3)), 0, "a", n);
    assertThat(computed).containsExactly(C, C, C, 5);
    assertThat(scheduler.prefixBytes()).isEqualTo(3 * CHUNK_BYTES);
    computed.clear();
    ScheduledSequence second = open(WHOLE, n, keys("a", 3));
    assertThat(second.restored()).isEqualTo(3 * C);
    assertThat(run(second, 0, "a", n))
        .isEqualTo(Arrays.copyOfRange(first, 3 * C * VOCAB, n * VOCAB));
    assertThat(computed).containsExactly(5);
    computed.clear();
    // Only the first two chunks are the same.
    ScheduledSequence third = open(WHOLE, n, List.of("a0", "a1", "other", "a2"));
    assertThat(third.restored()).isEqualTo(2 * C);
    assertThat(run(third, 0, "a", n))
        .isEqualTo(Arrays.copyOfRange(first, 2 * C * VOCAB, n * VOCAB));
    assertThat(computed).containsExactly(C, 5);
    assertThat(scheduler.prefixBytes()).isEqualTo(3 * CHUNK_BYTES);
  }

  @Test
  void aRestoredSequenceIsCutBackLikeAnyOther() throws Exception {
    int n = 2 * C + 3;
    float[] whole = run(open(WHOLE, n, List.of()), 0, "a", n);
    ScheduledSequence sequence = open(WHOLE, n, keys("a", 2));
    CompletableFuture<FloatBuffer> done = new CompletableFuture<>();
    SchedulerFixture.Step back = SchedulerFixture.prompt(C, C, false, 0, C);
    sequence.submit(back.rows(), rows(0, C, C), done);
    assertThat(SchedulerFixture.floats(done.get()))
        .isEqualTo(Arrays.copyOfRange(whole, C * VOCAB, 2 * C * VOCAB));
    sequence.close().get();
  }

  @Test
  void otherSpansAndShortSequencesGetNothingOfIt() throws Exception {
    run(open(WHOLE, 100, List.of()), 0, "a", 3 * C);
    Span hidden = new Span(0, ToyProvider.LAYERS, Output.HIDDEN);
    ScheduledSequence other = open(hidden, 100, keys("a", 3));
    assertThat(other.restored()).isZero();
    ScheduledSequence small = open(WHOLE, 2 * C + 1, keys("a", 3));
    assertThat(small.restored()).isEqualTo(2 * C);
    ScheduledSequence misplaced = open(WHOLE, 100, List.of("a1", "a2"));
    assertThat(misplaced.restored()).isZero();
    for (ScheduledSequence sequence : List.of(other, small, misplaced)) {
      sequence.close().get();
    }
  }

  /** A chunk's state follows from the chunks before it, so it is no other prompt's chunk. */
  @Test
  void chunksOfTwoPromptsMakeNoThird() throws Exception {
    run(open(WHOLE, 100, List.of()), 0, "a", 3 * C);
    run(open(WHOLE, 100, List.of()), 1, "b", 2 * C);
    ScheduledSequence mixed = open(WHOLE, 100, List.of("a0", "b1", "a2"));
    assertThat(mixed.restored()).isEqualTo(C);
    mixed.close().get();
    assertThat(restored("b", 3)).isEqualTo(2 * C);
    assertThat(restored("a", 3)).isEqualTo(3 * C);
  }

  @Test
  void theOldestPromptsMakeRoom() throws Exception {
    restart(4 * CHUNK_BYTES + 7);
    run(open(WHOLE, 100, List.of()), 0, "a", 2 * C);
    run(open(WHOLE, 100, List.of()), 1, "b", 2 * C);
    assertThat(scheduler.prefixBytes()).isEqualTo(4 * CHUNK_BYTES);
    assertThat(restored("a", 2)).isEqualTo(2 * C); // and is used last
    run(open(WHOLE, 100, List.of()), 2, "c", C);
    assertThat(scheduler.prefixBytes()).isEqualTo(4 * CHUNK_BYTES);
    assertThat(restored("a", 2)).isEqualTo(2 * C);
    assertThat(restored("b", 2)).as("its end went first").isEqualTo(C);
    assertThat(restored("c", 1)).isEqualTo(C);
    // A prompt longer than the cache keeps its beginning, and nothing else is left.
    run(open(WHOLE, 200, List.of()), 3, "d", 7 * C);
    assertThat(scheduler.prefixBytes()).isEqualTo(4 * CHUNK_BYTES);
    assertThat(restored("d", 7)).isEqualTo(4 * C);
    assertThat(restored("a", 2)).isZero();
    assertThat(model.openSequences()).isEqualTo(4);
  }

  /** What is kept counts in the budget of all sequences, and gives way to them. */
  @Test
  void sequencesTakeTheRoomOfWhatIsKept() throws Exception {
    scheduler.close();
    scheduler =
        scheduler(
            SchedulerLimits.of(8, 16, 1_000)
                .withPrefixBytes(1 << 20)
                .withKvBytes(OptionalLong.of(6 * CHUNK_BYTES)));
    run(open(WHOLE, 2 * C, List.of()), 0, "a", 2 * C);
    assertThat(scheduler.load().reservedBytes()).isEqualTo(2 * CHUNK_BYTES);
    ScheduledSequence five = open(WHOLE, 5 * C, keys("a", 2));
    assertThat(scheduler.prefixBytes()).as("one had to go").isEqualTo(CHUNK_BYTES);
    assertThat(five.restored()).isEqualTo(C);
    ScheduledSequence one = open(WHOLE, C, List.of());
    assertThat(scheduler.prefixBytes()).isZero();
    run(one, 1, "b", C);
    assertThat(run(five, 0, "a", 3 * C)).hasSize(2 * C * VOCAB);
    assertThat(scheduler.load().reservedBytes()).isEqualTo(scheduler.prefixBytes());
    assertThat(scheduler.prefixBytes()).as("all memory was taken").isZero();
  }

  @Test
  void withoutMemoryNothingIsKept() throws Exception {
    for (long bytes : new long[] {0, CHUNK_BYTES - 1}) {
      restart(bytes);
      run(open(WHOLE, 100, List.of()), 0, "a", 2 * C);
      assertThat(scheduler.prefixBytes()).isZero();
      assertThat(restored("a", 2)).isZero();
    }
  }

  @Test
  void aChunkIsKeptOnlyBehindThoseBeforeIt() throws Exception {
    ScheduledSequence sequence = open(WHOLE, 100, List.of());
    CompletableFuture<FloatBuffer> done = new CompletableFuture<>();
    SchedulerFixture.Step first = SchedulerFixture.prompt(0, C, false, 0, 0);
    sequence.submit(first.rows(), rows(0, 0, C), done);
    done.get();
    CompletableFuture<FloatBuffer> next = new CompletableFuture<>();
    SchedulerFixture.Step second = SchedulerFixture.prompt(C, C, false, 0, 0);
    sequence.submit(second.rows(), rows(0, C, C), keys("a", 2), next);
    next.get();
    sequence.close().get();
    assertThat(scheduler.prefixBytes()).isZero();
    assertThat(restored("a", 2)).isZero();
  }

  @Test
  void stagesThatMakeRoomForOthersTakeTheirChunksAlong() throws Exception {
    run(open(WHOLE, 100, List.of()), 0, "a", C);
    assertThat(scheduler.prefixBytes()).isEqualTo(CHUNK_BYTES);
    for (int begin = 0; begin < ToyProvider.LAYERS; begin++) {
      for (int end = begin + 1; end <= ToyProvider.LAYERS; end++) {
        open(Span.layers(begin, end), 10, List.of()).close().get();
      }
    }
    assertThat(scheduler.prefixBytes()).isZero();
    assertThat(restored("a", 1)).isZero();
    float[] again = run(open(WHOLE, C, List.of()), 0, "a", C);
    assertThat(again).hasSize(C * VOCAB);
    assertThat(restored("a", 1)).isEqualTo(C);
  }
}
