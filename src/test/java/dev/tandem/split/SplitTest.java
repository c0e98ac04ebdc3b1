package dev.tandem.split;

import static dev.tandem.ThreadPerTask.THREADS;
import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.Traffic;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.settings.Output;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SplitTest {
  private static final long SEED = 7;

  private ToyServer toy;

  @BeforeEach
  void start() throws IOException {
    toy = new ToyServer(anyPort());
  }

  @AfterEach
  void stop() {
    toy.close();
    assertThat(toy.model.openSequences()).isZero();
    assertThat(toy.server.activeSequences()).isZero();
  }

  @Test
  void everyCutAndReplyGivesTheBitsOfTheStageItself() throws Exception {
    Random random = new Random(SEED);
    try (ServerConnection connection = toy.connect()) {
      for (int k = 0; k <= ToyProvider.LAYERS; k++) {
        for (Output reply : List.of(Output.HIDDEN, Output.LOGITS)) {
          int nPrompt = 1 + random.nextInt(4 * C);
          int n = nPrompt + 12;
          float[] rows = ToyServer.randomRows(random, n);
          RemoteStage remote = toy.stage(connection, k, reply);
          Stage local = toy.model.open(new Span(k, ToyProvider.LAYERS, reply));
          assertThat(remote.spec()).isEqualTo(local.spec());
          assertThat(remote.profile()).isEqualTo(local.profile());
          assertThat(ToyServer.generate(remote, rows, nPrompt, n))
              .as("seed %d, K = %d, %s", SEED, k, reply)
              .isDeepEqualTo(ToyServer.generate(local, rows, nPrompt, n));
          remote.close();
        }
      }
    }
  }

  @Test
  void theToyTellsChunksAndHistoriesApart() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 40);
    Stage local = toy.model.open(Span.whole(ToyProvider.LAYERS));
    float[] prompt;
    float[] generated;
    try (Sequence sequence = local.openSequence(40)) {
      prompt = ToyServer.step(local, sequence, 0, rows, 40, RowKind.PROMPT, 40);
      generated = ToyServer.step(local, sequence, 0, rows, 40, RowKind.GENERATED, 40);
    }
    assertThat(prompt).isNotEqualTo(generated);
    float[] swapped = rows.clone();
    System.arraycopy(rows, 0, swapped, D, D);
    System.arraycopy(rows, D, swapped, 0, D);
    try (Sequence sequence = local.openSequence(40)) {
      assertThat(ToyServer.step(local, sequence, 0, swapped, 40, RowKind.PROMPT, 1))
          .isNotEqualTo(Arrays.copyOfRange(prompt, prompt.length - ToyServer.VOCAB, prompt.length));
    }
  }

  @Test
  void manyClientsAtOnceGetWhatTheyGetAlone() throws Exception {
    int clients = 12;
    List<float[]> inputs = new ArrayList<>();
    List<float[][]> alone = new ArrayList<>();
    int[] prompts = new int[clients];
    Random random = new Random(SEED);
    for (int i = 0; i < clients; i++) {
      prompts[i] = 1 + random.nextInt(5 * C);
      inputs.add(ToyServer.randomRows(random, prompts[i] + 60));
      Stage local =
          toy.model.open(
              new Span(i % 5, ToyProvider.LAYERS, i % 2 == 0 ? Output.LOGITS : Output.HIDDEN));
      alone.add(ToyServer.generate(local, inputs.get(i), prompts[i], prompts[i] + 60));
    }
    AtomicInteger largest = new AtomicInteger();
    toy.model.onStep(
        batch -> {
          if (largest.accumulateAndGet(batch.size(), Math::max) == 1) {
            pause(); // until the others also have a running step
          }
        });
    ExecutorService pool = Executors.newFixedThreadPool(clients);
    try (ServerConnection shared = toy.connect()) {
      List<CompletableFuture<Void>> running = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        int me = i;
        running.add(
            CompletableFuture.runAsync(
                () -> {
                  Output reply = me % 2 == 0 ? Output.LOGITS : Output.HIDDEN;
                  // Half of them share a connection.
                  try (ServerConnection own = toy.connect()) {
                    ServerConnection connection = me < clients / 2 ? shared : own;
                    RemoteStage stage = toy.stage(connection, me % 5, reply);
                    assertThat(
                            ToyServer.generate(
                                stage, inputs.get(me), prompts[me], prompts[me] + 60))
                        .as("seed %d, client %d", SEED, me)
                        .isDeepEqualTo(alone.get(me));
                  } catch (IOException e) {
                    throw new IllegalStateException(e);
                  }
                },
                pool));
      }
      CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).join();
    } finally {
      pool.shutdownNow();
    }
    assertThat(largest.get()).as("sequences in one call").isGreaterThan(1);
  }

  private static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aBatchOfSeveralSequencesIsOneStep() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 100);
    try (ServerConnection connection = toy.connect()) {
      RemoteStage remote = toy.stage(connection, 0, Output.HIDDEN);
      Stage local = toy.model.open(Span.layers(0, ToyProvider.LAYERS));
      assertThat(raggedStep(remote, rows)).isEqualTo(raggedStep(local, rows));
      remote.close();
    }
  }

  private static float[] raggedStep(Stage stage, float[] rows) throws IOException {
    try (Sequence a = stage.openSequence(100);
        Sequence b = stage.openSequence(100);
        Sequence c = stage.openSequence(100)) {
      Batch batch = new Batch();
      batch.add(a, 0, 40, RowKind.PROMPT, true, 3, 30);
      batch.add(b, 0, 2, RowKind.GENERATED, false, 0, 2);
      batch.add(c, 0, 50, RowKind.GENERATED, false, 49, 1);
      FloatBuffer in = ToyServer.direct(92 * D);
      in.put(0, rows, 0, 92 * D);
      FloatBuffer out = ToyServer.direct(33 * D);
      stage.step(batch, in, out);
      assertThat(a.length()).isEqualTo(40);
      assertThat(c.length()).isEqualTo(50);
      float[] result = new float[33 * D];
      out.get(0, result);
      return result;
    }
  }

  @Test
  void rowsOfLogitsBeyondAResultAreAskedForAgain() throws Exception {
    int vocab = 1_500_000; // 2 rows of it fit into a result
    ToyProvider wide = new ToyProvider(C, D, vocab, 64);
    float[] rows = ToyServer.randomRows(new Random(SEED), 24);
    try (ToyServer other = new ToyServer(anyPort(), wide);
        ServerConnection connection = other.connect()) {
      RemoteStage remote = other.stage(connection, 0, Output.LOGITS);
      Stage local = wide.open(Span.whole(ToyProvider.LAYERS));
      try (Sequence there = remote.openSequence(24);
          Sequence here = local.openSequence(24)) {
        for (RowKind kind : RowKind.values()) {
          assertThat(
                  Arrays.equals(
                      ToyServer.step(remote, there, 0, rows, 24, kind, 7),
                      ToyServer.step(local, here, 0, rows, 24, kind, 7)))
              .as(kind.name())
              .isTrue();
        }
      }
    }
  }

  /** One connection and one stage, each thread with a sequence of its own; some close midway. */
  @Test
  void manyThreadsShareAConnection() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 60);
    Stage local = toy.model.open(Span.whole(ToyProvider.LAYERS));
    float[][] alone = ToyServer.generate(local, rows, 40, 60);
    try (ServerConnection connection = toy.connect()) {
      RemoteStage stage = toy.stage(connection, 0, Output.LOGITS);
      List<CompletableFuture<float[][]>> users = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        users.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return ToyServer.generate(stage, rows, 40, 60);
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                },
                THREADS));
      }
      for (CompletableFuture<float[][]> user : users) {
        assertThat(user.get()).isDeepEqualTo(alone);
      }
    }
  }

  @Test
  void closingASequenceEndsItsStep() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 2);
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    try (ServerConnection connection = toy.connect()) {
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = stage.openSequence(10);
      toy.model.onStep(
          batch -> {
            entered.countDown();
            try {
              assertThat(gate.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      CompletableFuture<Void> user =
          CompletableFuture.runAsync(
              () -> {
                try {
                  ToyServer.step(stage, sequence, 0, rows, 1, RowKind.GENERATED, 1);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              },
              THREADS);
      entered.await();
      sequence.close();
      assertThatThrownBy(() -> user.get(20, TimeUnit.SECONDS))
          .hasMessageContaining("the sequence is closed");
      gate.countDown();
      toy.model.onStep(batch -> {});
      try (Sequence other = stage.openSequence(10)) {
        ToyServer.step(stage, other, 0, rows, 2, RowKind.GENERATED, 1);
      }
    }
  }

  @Test
  void aPromptIsOneRoundTripAndTheBytesAreCounted() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 10 * C);
    try (ServerConnection connection = toy.connect()) {
      RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
      Sequence sequence = stage.openSequence(10 * C);
      Traffic before = connection.traffic();
      ToyServer.step(stage, sequence, 0, rows, 10 * C, RowKind.PROMPT, 1);
      Traffic after = connection.traffic();
      assertThat(after.roundTrips() - before.roundTrips()).isEqualTo(1);
      assertThat(after.bytesSent() - before.bytesSent())
          .isEqualTo(10L * FrameHeader.messageBytes(C, D));
      assertThat(after.bytesReceived() - before.bytesReceived())
          .isEqualTo(10L * FrameHeader.BYTES + 4 * D);
    }
  }
}
