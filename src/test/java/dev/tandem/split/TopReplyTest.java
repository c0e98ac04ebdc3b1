package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.VOCAB;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.RemoteTopStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.Traffic;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ErrorMessage;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.RowRequest;
import dev.tandem.protocol.TopReply;
import dev.tandem.protocol.TopResult;
import dev.tandem.protocol.WireProfile;
import dev.tandem.sampling.TopLogits;
import dev.tandem.sampling.TopSelection;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reply topk: the best logits are those of the row, and rows are there when they are asked for. */
@Timeout(120)
class TopReplyTest {
  private static final long SEED = 7;

  private ToyServer toy;

  @BeforeEach
  void start() throws IOException {
    toy = new ToyServer(anyPort());
  }

  @AfterEach
  void stop() {
    toy.close();
    assertThat(toy.server.activeSequences()).isZero();
  }

  private RemoteTopStage stage(ServerConnection connection, int begin, int k) throws IOException {
    return connection.topStage(toy.request(begin, Output.LOGITS), k);
  }

  @Test
  void theBestLogitsAreThoseOfTheRow() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 3 * C);
    List<Double> temperatures = List.of(1.0, 0.7);
    Stage local = toy.model.open(Span.whole(ToyProvider.LAYERS));
    try (ServerConnection connection = toy.connect()) {
      for (int k : new int[] {1, 5, VOCAB, 1024}) {
        RemoteTopStage remote = stage(connection, 0, k);
        try (Sequence here = local.openSequence(3 * C);
            Sequence there = remote.openSequence(3 * C, temperatures)) {
          float[] expected = ToyServer.step(local, here, 0, rows, C, RowKind.PROMPT, 4);
          Batch batch = new Batch();
          batch.add(there, 0, C, RowKind.PROMPT, true, C - 4, 4);
          List<TopLogits> top = remote.stepTop(batch, input(rows, C));
          assertThat(top).hasSize(4);
          TopSelection selection = new TopSelection(VOCAB, k, new double[] {1, 0.7});
          for (int row = 0; row < 4; row++) {
            assertSame(top.get(row), selection.of(FloatBuffer.wrap(expected), row * VOCAB));
            FloatBuffer whole = remote.row(there, row);
            for (int id = 0; id < VOCAB; id++) {
              assertThat(whole.get(id)).isEqualTo(expected[row * VOCAB + id]);
            }
          }
          assertThatThrownBy(() -> remote.row(there, 4)).isInstanceOf(IllegalStateException.class);
        }
      }
    }
  }

  private static FloatBuffer input(float[] rows, int n) {
    FloatBuffer in = ToyServer.direct(n * ToyServer.D);
    in.put(0, rows, 0, n * ToyServer.D);
    return in;
  }

  private static void assertSame(TopLogits actual, TopLogits expected) {
    assertThat(actual.size()).isEqualTo(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.id(i)).isEqualTo(expected.id(i));
      assertThat(actual.logit(i)).isEqualTo(expected.logit(i));
    }
    for (double temperature : new double[] {1, 0.7}) {
      assertThat(actual.logSum(temperature)).isEqualTo(expected.logSum(temperature));
    }
    assertThat(actual.logSum(0.5)).isNaN();
  }

  /** As any other stage: the whole rows, each of which is a round trip. */
  @Test
  void stepsGiveWholeRowsToo() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(SEED), 12);
    Stage local = toy.model.open(Span.whole(ToyProvider.LAYERS));
    try (ServerConnection connection = toy.connect()) {
      for (int begin : new int[] {0, 2, ToyProvider.LAYERS}) {
        RemoteTopStage remote = stage(connection, begin, 3);
        Stage same = toy.model.open(Span.toLogits(begin, ToyProvider.LAYERS));
        assertThat(remote.spec()).isEqualTo(same.spec());
        try (Sequence here = same.openSequence(12);
            Sequence there = remote.openSequence(12)) {
          Traffic before = connection.traffic();
          assertThat(ToyServer.step(remote, there, 0, rows, 12, RowKind.GENERATED, 5))
              .isEqualTo(ToyServer.step(same, here, 0, rows, 12, RowKind.GENERATED, 5));
          assertThat(connection.traffic().fullRows() - before.fullRows()).isEqualTo(5);
          assertThat(connection.traffic().roundTrips() - before.roundTrips()).isEqualTo(6);
        }
      }
    }
    local.close();
  }

  /** An older server has no features; a client says so, and other replies work as before. */
  @Test
  void olderServersAreNamed() throws Exception {
    try (CutWire wire = new CutWire(toy.server.port())) {
      wire.replace("\"features\"", "\"whatever\"");
      try (ServerConnection connection =
          ServerConnection.connect(wire.uri(), ConnectionOptions.defaults())) {
        assertThatThrownBy(() -> stage(connection, 0, 4))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("cannot send the best logits only (its version is older)")
            .hasMessageNotContaining("--");
        toy.stage(connection, 0, Output.LOGITS).openSequence(4).close();
      }
    }
  }

  /** Rows that are kept are bounded, and with them the output rows of a step. */
  @Test
  void theRowsOfAStepFitTheirLimit() throws Exception {
    ToyProvider wide = new ToyProvider(C, ToyServer.D, 700_000, 64); // 2 rows in 8 MiB
    try (ToyServer other = new ToyServer(anyPort(), wide);
        RawClient client = new RawClient(other.uri())) {
      Opened opened = open(client, 64);
      assertThat(opened.limits().maxOutRows()).isEqualTo(2);
      assertThat(opened.limits().maxResultBytes()).isEqualTo(FrameHeader.messageBytes(1, 700_000));
      FrameHeader step = client.step(opened, 0, 3);
      client.send(RawClient.frame(withOut(step, 0, 3)));
      client.assertError(ErrorCode.LIMIT);
      client.send(RawClient.frame(withOut(client.step(opened, 0, 3), 1, 2)));
      assertThat(client.next()).isInstanceOf(TopResult.class);
      client.send(ControlCodec.encodeClient(new RowRequest(99, opened.sequence(), 1)));
      Result row = (Result) client.next();
      assertThat(row.header().outBegin()).isEqualTo(2);
      assertThat(row.rows().remaining()).isEqualTo(700_000);
    }
  }

  private static FrameHeader withOut(FrameHeader step, int outBegin, int nOut) {
    return new FrameHeader(
        step.kind(),
        step.type(),
        step.generated(),
        step.promptEnd(),
        step.epoch(),
        step.request(),
        step.sequence(),
        step.position(),
        step.rows(),
        step.columns(),
        outBegin,
        nOut);
  }

  private static Opened open(RawClient client, int positions) throws InterruptedException {
    client.send(
        ControlCodec.encodeClient(
            new Open(
                client.nextRequest(),
                "",
                Span.whole(ToyProvider.LAYERS),
                RowType.F32,
                RowType.F16, // the best logits are exact all the same
                positions,
                WireProfile.ANY,
                Optional.of(new TopReply(4, List.of(1.0))))));
    return (Opened) client.next();
  }

  private static void ask(RawClient client, int sequence, int row) {
    client.send(ControlCodec.encodeClient(new RowRequest(client.nextRequest(), sequence, row)));
  }

  private static void assertRefused(RawClient client, ErrorCode code, String message)
      throws InterruptedException {
    assertThat(client.next())
        .isInstanceOfSatisfying(
            ErrorMessage.class,
            error -> {
              assertThat(error.code()).isEqualTo(code);
              assertThat(error.message()).contains(message);
            });
  }

  @Test
  void requestsForRowsThatAreNotThereAreRefused() throws Exception {
    try (RawClient client = new RawClient(toy.uri())) {
      Opened opened = open(client, 100);
      int sequence = opened.sequence();
      ask(client, sequence, 0);
      assertRefused(client, ErrorCode.POSITION, "no rows are kept: there is no answered step");

      client.send(RawClient.frame(withOut(client.step(opened, 0, 5), 2, 2)));
      TopResult result = (TopResult) client.next();
      assertThat(result.header().columns()).isEqualTo(2 * (4 + 1));
      for (int row = 0; row < 2; row++) {
        ask(client, sequence, row);
        Result whole = (Result) client.next();
        assertThat(whole.header().outBegin()).isEqualTo(2 + row);
        assertThat(whole.header().type()).isEqualTo(RowType.F32);
        assertThat(whole.header().columns()).isEqualTo(VOCAB);
        TopLogits top = result.rows(new TopReply(4, List.of(1.0)), VOCAB).get(row);
        assertThat(whole.rows().get(top.id(0))).isEqualTo(top.logit(0));
      }
      ask(client, sequence, 2);
      assertRefused(client, ErrorCode.POSITION, "row 2, the last step has output rows: 2");
      ask(client, sequence, Integer.MAX_VALUE);
      assertRefused(client, ErrorCode.POSITION, "the last step has output rows: 2");
      ask(client, sequence + 1, 0);
      assertRefused(client, ErrorCode.UNKNOWN_SEQUENCE, "is not open");

      client.send(RawClient.frame(client.step(opened, 9, 1))); // a gap
      assertRefused(client, ErrorCode.POSITION, "above the length");
      ask(client, sequence, 0);
      assertRefused(client, ErrorCode.POSITION, "or another one has come");

      client.send(RawClient.frame(withOut(client.step(opened, 5, 1), 0, 0)));
      assertThat(((TopResult) client.next()).header().nOut()).isZero();
      ask(client, sequence, 0);
      assertRefused(client, ErrorCode.POSITION, "output rows: 0");

      client.send(ControlCodec.encodeClient(new CloseSequence(sequence)));
      assertThat(client.next()).isEqualTo(new CloseSequence(sequence));
      ask(client, sequence, 0);
      assertRefused(client, ErrorCode.UNKNOWN_SEQUENCE, "is not open");

      Opened hidden = client.open();
      client.send(RawClient.frame(client.step(hidden, 0, 1)));
      assertThat(client.next()).isInstanceOf(Result.class);
      ask(client, hidden.sequence(), 0);
      assertRefused(client, ErrorCode.POSITION, "was not opened with reply topk");
      client.send(RawClient.frame(client.step(hidden, 1, 1))); // and it lives on
      assertThat(client.next()).isInstanceOf(Result.class);
    }
  }

  /** Results come in the order of the steps, also of several sequences at once. */
  @Test
  void answersKeepTheirOrder() throws Exception {
    try (RawClient client = new RawClient(toy.uri())) {
      Opened one = open(client, 200);
      Opened two = open(client, 200);
      for (int round = 0; round < 20; round++) {
        int[] requests = new int[8];
        for (int i = 0; i < requests.length; i++) {
          FrameHeader step = client.step(i % 2 == 0 ? one : two, round * 4 + i / 2, 1);
          requests[i] = step.request();
          client.send(RawClient.frame(step));
        }
        int[] last = {0, 0};
        for (int i = 0; i < requests.length; i++) {
          TopResult result = (TopResult) client.next();
          int which = result.header().sequence() == one.sequence() ? 0 : 1;
          assertThat(result.header().request()).isGreaterThan(last[which]);
          last[which] = result.header().request();
        }
        ask(client, one.sequence(), 0);
        assertThat(client.next()).isInstanceOf(Result.class);
      }
    }
  }
}
