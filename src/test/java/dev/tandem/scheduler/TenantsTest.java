package dev.tandem.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rows are shared between tenants, whatever number of lanes each has. */
@Timeout(60)
class TenantsTest extends SchedulerFixture {
  private static final int CONNECTIONS = 8;

  @Test
  void aTenantWithManyConnectionsGetsAsManyGeneratedRowsAsOneWithOne() throws Exception {
    try (ModelScheduler wide =
        new ModelScheduler(
            "wide", model, SchedulerLimits.of(100, 4, 1_000), SchedulerListener.NONE)) {
      List<ScheduledSequence> many = sequences(wide.tenant(), CONNECTIONS, 4);
      List<ScheduledSequence> one = sequences(wide.tenant(), 1, 32);
      ScheduledSequence holder = wide.lane().open(Span.layers(0, 4), 4).get();
      List<int[]> rowsOfCalls = new CopyOnWriteArrayList<>();
      CountDownLatch entered = new CountDownLatch(1);
      model.onStep(
          batch -> {
            entered.countDown();
            await(gate);
            // The tenants' rows are told apart by their number in a step.
            model.onStep(
                next -> {
                  int[] rows = new int[2];
                  for (int i = 0; i < next.size(); i++) {
                    rows[next.nRows(i) == 16 ? 0 : 1] += next.nRows(i);
                  }
                  rowsOfCalls.add(rows);
                });
          });
      held.add(submit(holder, generated(0, 1)));
      entered.await();
      List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
      for (ScheduledSequence sequence : many) {
        results.add(submit(sequence, generated(0, 16)));
      }
      for (ScheduledSequence sequence : one) {
        results.add(submit(sequence, generated(0, 8)));
      }
      gate.countDown();
      for (CompletableFuture<FloatBuffer> result : results) {
        result.get();
      }
      assertThat(rowsOfCalls.get(0)).containsExactly(128, 128);
      assertThat(rowsOfCalls.get(1)).containsExactly(128, 128);
      assertThat(rowsOfCalls.get(2)).as("the rest of the first").containsExactly(256, 0);
      assertThat(rowsOfCalls).hasSize(3);
    }
  }

  private static List<ScheduledSequence> sequences(
      Tenant tenant, int connections, int perConnection) throws Exception {
    List<ScheduledSequence> sequences = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      Lane lane = tenant.lane();
      for (int j = 0; j < perConnection; j++) {
        sequences.add(lane.open(Span.layers(0, 4), 40).get());
      }
    }
    return sequences;
  }

  @Test
  void tenantsTakeTurnsAtPromptChunksWhateverTheirConnections() throws Exception {
    Tenant many = scheduler.tenant();
    List<ScheduledSequence> sequences = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      sequences.add(many.lane().open(Span.layers(0, 4), 2 * C).get());
    }
    ScheduledSequence one = scheduler.tenant().lane().open(Span.layers(0, 4), 4 * C).get();
    List<Character> order = new CopyOnWriteArrayList<>();
    holdEngine();
    List<CompletableFuture<?>> done = new ArrayList<>();
    for (ScheduledSequence sequence : sequences) {
      for (int i = 0; i < 2; i++) {
        done.add(submit(sequence, prompt(i * C, C, false, 0, 0)).thenRun(() -> order.add('m')));
      }
    }
    for (int i = 0; i < 4; i++) {
      done.add(submit(one, prompt(i * C, C, false, 0, 0)).thenRun(() -> order.add('o')));
    }
    gate.countDown();
    for (CompletableFuture<?> future : done) {
      future.get();
    }
    String turns = order.stream().map(String::valueOf).reduce("", String::concat);
    assertThat(turns).isIn("momomomomm", "omomomommm");
  }

  /** A pause is one connection's; those of its tenant's other connections go on. */
  @Test
  void aPausedConnectionDoesNotPauseItsTenant() throws Exception {
    Tenant tenant = scheduler.tenant();
    Lane slow = tenant.lane();
    ScheduledSequence waiting = slow.open(Span.layers(0, 4), 40).get();
    ScheduledSequence quick = tenant.lane().open(Span.layers(0, 4), 40).get();
    slow.pause();
    CompletableFuture<FloatBuffer> paused = submit(waiting, generated(0, 1));
    CompletableFuture<FloatBuffer> pausedPrompt = submit(waiting, prompt(1, 3, true, 2, 1));
    submit(quick, generated(0, 1)).get();
    submit(quick, prompt(1, 3, true, 2, 1)).get();
    assertThat(paused).isNotDone();
    assertThat(pausedPrompt).isNotDone();
    slow.resume();
    paused.get();
    pausedPrompt.get();
  }

  /**
   * A thousand rows called generated are cut, and one row of another tenant is in the next call.
   */
  @Test
  void aFloodOfGeneratedRowsDelaysOthersByOneCall() throws Exception {
    ToyProvider wide = new ToyProvider(256, D, 11, 2_000);
    List<List<Integer>> calls = new CopyOnWriteArrayList<>();
    try (ModelScheduler other =
        new ModelScheduler(
            "flood", wide, SchedulerLimits.of(2, 4, 1_000), SchedulerListener.NONE)) {
      ScheduledSequence flood = other.lane().open(Span.layers(0, 4), 1_024).get();
      ScheduledSequence small = other.lane().open(Span.layers(0, 4), 40).get();
      CountDownLatch entered = new CountDownLatch(1);
      wide.onStep(
          batch -> {
            List<Integer> rows = new ArrayList<>();
            for (int i = 0; i < batch.size(); i++) {
              rows.add(batch.nRows(i));
            }
            calls.add(rows);
            if (calls.size() == 1) {
              entered.countDown();
              await(gate);
            }
          });
      List<CompletableFuture<FloatBuffer>> results = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        results.add(
            submit(
                flood,
                new Step(
                    new StepRows(256 * i, 256, RowKind.GENERATED, false, 0, 0),
                    rows(256 * i, 256))));
      }
      entered.await();
      results.add(submit(small, generated(0, 1)));
      gate.countDown();
      for (CompletableFuture<FloatBuffer> result : results) {
        result.get();
      }
    }
    assertThat(calls).hasSize(1_024 / 16);
    assertThat(calls.get(0)).containsExactly(16);
    assertThat(calls.get(1)).containsExactlyInAnyOrder(16, 1);
    assertThat(calls.subList(2, calls.size())).allMatch(rows -> rows.equals(List.of(16)));
  }

  /** What was queued and not begun when a sequence is closed is not computed. */
  @Test
  void closedSequencesGetNoRows() throws Exception {
    Tenant tenant = scheduler.tenant();
    ScheduledSequence closed = tenant.lane().open(Span.layers(0, 4), 200).get();
    ScheduledSequence open = tenant.lane().open(Span.layers(0, 4), 200).get();
    holdEngine();
    for (int i = 0; i < 4; i++) {
      held.add(submit(closed, prompt(i * C, C, false, 0, 0)));
    }
    CompletableFuture<FloatBuffer> last = submit(open, generated(0, 5));
    CompletableFuture<Void> ended = closed.close();
    gate.countDown();
    ended.get();
    last.get();
    assertThat(seen).extracting(Seen::rows).containsExactly(5);
    assertThat(held.subList(1, 5)).allMatch(CompletableFuture::isCompletedExceptionally);
  }
}
