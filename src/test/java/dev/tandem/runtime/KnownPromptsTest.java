package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.client.RemoteModel;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.client.Traffic;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.PrefixCaching;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.SplitExactnessTest.Run;
import dev.tandem.scheduler.StageProvider;
import dev.tandem.server.OfferedModel;
import dev.tandem.server.SplitServer;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.Output;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.CopyingStage;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.net.URI;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a server knows of a prompt is neither sent nor computed again, and changes no bit. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class KnownPromptsTest {
  private static final PrefixCaching SHARED = new PrefixCaching(64 << 20, true);

  private static ServerOptions options(PrefixCaching prefixes) {
    return ServerOptions.defaults().withAddress("127.0.0.1", 0).withPrefixes(prefixes);
  }

  /** The first tokens of one prompt, then those of another. */
  private static int[] beginning(int[] first, int n, int[] other) {
    int[] ids = other.clone();
    System.arraycopy(first, 0, ids, 0, n);
    return ids;
  }

  /** One client, its reply, and how its rows travel. */
  private record Client(int cut, Reply reply, RowType rows) {
    Run run(Checkpoint checkpoint, EngineSettings settings, String server, int[] prompt)
        throws Exception {
      int nLayers = checkpoint.config().nLayers();
      try (LocalChain chain = new LocalChain(checkpoint, settings);
          ServerConnection connection =
              ServerConnection.connect(URI.create(server), ConnectionOptions.defaults())) {
        RemoteModel remote = connection.models().get(0);
        Output output = reply == Reply.HIDDEN ? Output.HIDDEN : Output.LOGITS;
        StageRequest request =
            new StageRequest(
                new Span(cut, nLayers, output), remote.profile(), rows, RowType.F32, List.of());
        List<Stage> stages = new ArrayList<>();
        if (cut > 0) {
          stages.add(chain.stage(Span.layers(0, cut)));
        }
        stages.add(
            reply == Reply.TOPK ? connection.topStage(request, 8) : connection.stage(request));
        if (reply == Reply.HIDDEN) {
          stages.add(chain.stage(Span.head(nLayers)));
        }
        return SplitExactnessTest.run(checkpoint, stages, prompt);
      }
    }
  }

  private static void assertSame(Run expected, Run got, String where) {
    assertThat(Bits.firstDifference(expected.logits(), got.logits())).as(where).isEmpty();
    assertThat(got.ids()).as(where).isEqualTo(expected.ids());
  }

  @ParameterizedTest
  @CsvSource({
    "stories260K, 256, 300, false, F32",
    "stories260K, 16, 61, false, F16",
    "stories260K, 16, 64, true, Q8_0",
    "gpt2-shakespeare, 16, 61, false, F32",
    "gpt2-shakespeare, 16, 48, false, Q8_0",
    "gpt2-shakespeare, 16, 61, true, F16",
    "gpt2-shakespeare as f32, 16, 61, false, F32",
    "random-gpt2, 256, 600, false, F32",
    "random-llama, 256, 512, false, F16"
  })
  void aKnownBeginningChangesNoBit(String name, int chunk, int n, boolean rowExact, KvType kv)
      throws Exception {
    EngineSettings settings = SplitExactnessTest.settings(chunk, rowExact, 0, "").withKvType(kv);
    try (Checkpoint checkpoint = SplitExactnessTest.open(name)) {
      int[] first = SplitExactnessTest.prompt(checkpoint.config(), n, 1);
      int[] second =
          beginning(
              first,
              chunk * Math.max(1, n / chunk - 1),
              SplitExactnessTest.prompt(checkpoint.config(), n, 2));
      Run whole = SplitExactnessTest.whole(checkpoint, settings, first);
      Run wholeSecond = SplitExactnessTest.whole(checkpoint, settings, second);
      assertThat(Bits.firstDifference(whole.logits(), wholeSecond.logits())).isNotEmpty();
      int nLayers = checkpoint.config().nLayers();
      for (int cut : new int[] {0, 1, nLayers}) {
        for (Reply reply : Reply.values()) {
          try (HostedModel server = HostedModel.start(checkpoint, settings, options(SHARED))) {
            Client client = new Client(cut, reply, RowType.F32);
            String where = name + " K=" + cut + " " + reply;
            assertSame(whole, client.run(checkpoint, settings, server.uri(), first), where);
            assertSame(whole, client.run(checkpoint, settings, server.uri(), first), where);
            Run other = client.run(checkpoint, settings, server.uri(), second);
            assertSame(wholeSecond, other, where);
          }
        }
      }
    }
  }

  /** Shorter rows round, but a server knows them by what came, so the bits stay the same. */
  @ParameterizedTest
  @CsvSource({"stories260K, F16", "stories260K, Q8_0", "gpt2-shakespeare, F16"})
  void shorterRowsToo(String name, RowType rows) throws Exception {
    EngineSettings settings = SplitExactnessTest.settings(16, false, 0, "");
    try (Checkpoint checkpoint = SplitExactnessTest.open(name);
        HostedModel plain = HostedModel.start(checkpoint, settings, options(PrefixCaching.NONE));
        HostedModel server = HostedModel.start(checkpoint, settings, options(SHARED))) {
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), 50, 1);
      for (int cut : new int[] {0, 1}) {
        Client client = new Client(cut, Reply.HIDDEN, rows);
        Run expected = client.run(checkpoint, settings, plain.uri(), prompt);
        for (int i = 0; i < 2; i++) {
          assertSame(
              expected, client.run(checkpoint, settings, server.uri(), prompt), name + " " + rows);
        }
      }
    }
  }

  /** Counts the rows that stages compute. */
  private static final class Counting implements StageProvider, AutoCloseable {
    final List<Integer> rows = new CopyOnWriteArrayList<>();
    private final LocalModel model;
    private final Stage offered;
    private final String hash;

    Counting(Checkpoint checkpoint, EngineSettings settings) throws IOException {
      model = LocalModel.open(checkpoint, settings);
      offered = model.openStage(Span.whole(checkpoint.config().nLayers()));
      hash = checkpoint.hash().hex();
    }

    @Override
    public StageSpec offered() {
      return offered.spec();
    }

    @Override
    public ArithmeticProfile profile() {
      return offered.profile().withModelHash(hash);
    }

    @Override
    public Stage open(Span span) throws IOException {
      return new CountingStage((CopyingStage) model.openStage(span));
    }

    private final class CountingStage extends ForwardingStage implements CopyingStage {
      private final CopyingStage stage;

      CountingStage(CopyingStage stage) {
        super(stage);
        this.stage = stage;
      }

      @Override
      public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
        rows.add(batch.totalRows());
        super.step(batch, in, out);
      }

      @Override
      public long stateBytes(int positions) {
        return stage.stateBytes(positions);
      }

      @Override
      public void copy(Sequence from, int fromPosition, Sequence to, int toPosition, int count) {
        stage.copy(from, fromPosition, to, toPosition, count);
      }
    }

    @Override
    public void close() {
      offered.close();
      model.close();
    }
  }

  private static Traffic traffic(
      Checkpoint checkpoint, EngineSettings settings, SplitServer server, int[] prompt)
      throws Exception {
    int nLayers = checkpoint.config().nLayers();
    try (LocalChain chain = new LocalChain(checkpoint, settings);
        ServerConnection connection =
            ServerConnection.connect(URI.create(server.uri()), ConnectionOptions.defaults())) {
      RemoteModel remote = connection.models().get(0);
      Span span = Span.layers(0, nLayers);
      Traffic before = connection.traffic();
      var unused =
          SplitExactnessTest.run(
              checkpoint,
              List.of(
                  connection.stage(new StageRequest(span, remote.profile(), List.of())),
                  chain.stage(Span.head(nLayers))),
              prompt);
      Traffic after = settled(connection, server);
      return new Traffic(
          after.roundTrips() - before.roundTrips(),
          after.bytesSent() - before.bytesSent(),
          after.bytesReceived() - before.bytesReceived(),
          0);
    }
  }

  /** The traffic when the answer to the sequence's end has come too. */
  private static Traffic settled(ServerConnection connection, SplitServer server)
      throws InterruptedException {
    Traffic last = connection.traffic();
    boolean quiet = false;
    for (int i = 0; !quiet; i++) {
      assertThat(i).as("waits of 20 ms").isLessThan(1500);
      boolean ended = server.activeSequences() == 0;
      Thread.sleep(20);
      Traffic now = connection.traffic();
      quiet = ended && now.equals(last);
      last = now;
    }
    return last;
  }

  private static SplitServer start(Counting counting) throws IOException {
    return SplitServer.start(
        options(SHARED), List.of(new OfferedModel("counted", 5, List.of(), counting)));
  }

  /** A prompt that shares its first 256 tokens with an earlier one: only the rest is sent. */
  @Test
  void onlyTheRestIsSentAndComputed() throws Exception {
    EngineSettings settings = SplitExactnessTest.settings(256, false, 0, "");
    try (Checkpoint checkpoint = SplitExactnessTest.open("stories260K");
        Counting counting = new Counting(checkpoint, settings);
        SplitServer server = start(counting)) {
      int[] first = SplitExactnessTest.prompt(checkpoint.config(), 300, 1);
      int[] second = beginning(first, 256, SplitExactnessTest.prompt(checkpoint.config(), 300, 2));
      Traffic cold = traffic(checkpoint, settings, server, first);
      assertThat(counting.rows).startsWith(256, 44, 1).doesNotContain(0);
      counting.rows.clear();
      Traffic warm = traffic(checkpoint, settings, server, second);
      assertThat(counting.rows).startsWith(44, 1).doesNotContain(256);
      int header = 48;
      int dModel = checkpoint.config().dModel();
      assertThat(cold.bytesSent() - warm.bytesSent())
          .as("one frame of 256 rows of f32")
          .isEqualTo(header + 256L * dModel * 4);
      assertThat(cold.bytesReceived() - warm.bytesReceived())
          .as("its answer without rows; where the rest begins is said in place of it")
          .isCloseTo(header - ",\"first_position\":256".length(), within(9L)); // epochs' digits
      assertThat(warm.roundTrips()).isEqualTo(cold.roundTrips());
      assertThat(server.prefixBytes()).isPositive().isLessThanOrEqualTo(SHARED.bytes());
    }
  }

  /** A prompt of whole chunks still has its last row computed, in its chunk. */
  @Test
  void theLastRowIsAlwaysComputed() throws Exception {
    EngineSettings settings = SplitExactnessTest.settings(16, false, 0, "");
    try (Checkpoint checkpoint = SplitExactnessTest.open("stories260K");
        Counting counting = new Counting(checkpoint, settings);
        SplitServer server = start(counting)) {
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), 48, 1);
      Traffic cold = traffic(checkpoint, settings, server, prompt);
      assertThat(counting.rows).startsWith(16, 16, 16, 1);
      counting.rows.clear();
      Traffic warm = traffic(checkpoint, settings, server, prompt);
      assertThat(counting.rows).startsWith(16, 1);
      assertThat(counting.rows.get(1)).isEqualTo(1);
      assertThat(cold.bytesSent() - warm.bytesSent())
          .isEqualTo(2 * (48 + 16L * checkpoint.config().dModel() * 4));
    }
  }

  /** Prompts of several steps: the first 1024 rows are asked for, the rest is sent. */
  @Test
  void longPromptsAreKnownAsFarAsTheirFirstStep() throws Exception {
    EngineSettings settings = SplitExactnessTest.settings(16, false, 0, "");
    try (Checkpoint checkpoint = SplitExactnessTest.open("random-gpt2");
        Counting counting = new Counting(checkpoint, settings);
        SplitServer server = start(counting)) {
      int n = checkpoint.config().maxSeq() - 20;
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), n, 1);
      Traffic cold = traffic(checkpoint, settings, server, prompt);
      int all = counting.rows.stream().mapToInt(i -> i).sum();
      counting.rows.clear();
      Traffic warm = traffic(checkpoint, settings, server, prompt);
      int rest = counting.rows.stream().mapToInt(i -> i).sum();
      int known = Math.min(1024, (n - 1) / 16 * 16);
      assertThat(all - rest).isEqualTo(known);
      assertThat(cold.bytesSent() - warm.bytesSent())
          .isEqualTo(known / 16 * (48 + 16L * checkpoint.config().dModel() * 4));
    }
  }
}
