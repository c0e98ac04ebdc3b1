package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.MAX_SEQ;
import static dev.tandem.split.ToyServer.VOCAB;
import static dev.tandem.split.ToyServer.pingEvery;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.ServerStage;
import dev.tandem.client.StageRequest;
import dev.tandem.decoding.Embedder;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.decoding.ToyTokenizer;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A chain of servers that are killed or cut off: whoever still has its rows keeps them. */
@Tag("slow")
@Timeout(300)
class ChainRecoveryTest {
  private static final int PROMPT = 3 * C + 5;
  private static final int N = PROMPT + 30;

  private static final Embedder EMBEDDER =
      (ids, from, to, position, out) -> {
        for (int i = 0; i < to - from; i++) {
          for (int column = 0; column < D; column++) {
            out.put(
                i * D + column, (ids[from + i] * (column + 3) % 17 - (position + i) % 5) * 0.1f);
          }
        }
      };

  private static final List<List<Span>> CHAINS =
      List.of(
          List.of(Span.layers(0, 2), Span.toLogits(2, 4)),
          List.of(Span.layers(0, 1), Span.layers(1, 3), Span.toLogits(3, 4)));

  private static final List<Member> NO_MEMBERS = List.of();

  /** A server of a chain, which can be killed and started again. */
  private static final class Member implements AutoCloseable {
    private final ToyProvider model = new ToyProvider(C, D, VOCAB, MAX_SEQ);
    private final AtomicLong rows = new AtomicLong();
    private final CutWire wire;
    private final int port;
    private final ServerStage stage;
    private final List<Boolean> resumed = new CopyOnWriteArrayList<>();
    private ToyServer server;
    private volatile long graceMillis = 20_000;

    /** Called with every batch before it is computed. */
    private volatile Consumer<Batch> hook = batch -> {};

    Member(Span span) throws IOException {
      model.onStep(
          batch -> {
            rows.addAndGet(batch.totalRows());
            hook.accept(batch);
          });
      server = new ToyServer(options(), model);
      port = server.server.port();
      wire = new CutWire(port);
      stage =
          new ServerStage(
              () -> connect(span),
              Duration.ofMinutes(2),
              new ConnectionListener() {
                @Override
                public void restored(String found, Duration outage, boolean held) {
                  resumed.add(held);
                }
              });
    }

    private ServerOptions options() {
      return ToyServer.anyPort(10_000, 0, graceMillis);
    }

    /** Starts the server again with another grace period. */
    void keepFor(long millis) throws IOException {
      graceMillis = millis;
      kill();
    }

    private RemoteStage connect(Span span) throws IOException {
      return ServerConnection.connect(wire.uri(), pingEvery(Duration.ofMillis(300)))
          .stage(new StageRequest(span, model.profile(), List.of()));
    }

    /** Another server at the same place, which knows nothing of the first one's sequences. */
    void kill() throws IOException {
      wire.cut();
      server.close();
      server = new ToyServer(options().withAddress("127.0.0.1", port), model);
    }

    void awaitNoSequences() throws InterruptedException {
      while (server.server.activeSequences() > 0 || model.openSequences() > 0) {
        Thread.sleep(1); // the test's timeout guards it
      }
    }

    @Override
    public void close() throws IOException {
      stage.close();
      wire.close();
      server.close();
    }
  }

  /** The servers of a chain, and what a client makes of them. */
  private static final class Chain implements AutoCloseable {
    private final List<Member> members = new ArrayList<>();
    private final Generator generator;

    Chain(List<Span> spans, boolean best) throws IOException {
      List<Stage> stages = new ArrayList<>();
      for (Span span : spans) {
        Member member = new Member(span);
        members.add(member);
        stages.add(best && span.hasHead() ? member.stage.top(2) : member.stage);
      }
      generator = new Generator(stages, EMBEDDER, ToyTokenizer.words(VOCAB));
    }

    List<Long> rows() {
      return members.stream().map(member -> member.rows.get()).toList();
    }

    @Override
    public void close() throws IOException {
      for (Member member : members) {
        member.close();
      }
    }
  }

  /** Does something before each further step. */
  private interface Disturbance {
    void before(int token) throws IOException;
  }

  private static GenerationResult generate(Chain chain, boolean best, Disturbance disturbance)
      throws Exception {
    int[] prompt = new Random(5).ints(PROMPT, 0, VOCAB).toArray();
    GenerationRequest request =
        GenerationRequest.of(prompt).maxTokens(N - PROMPT).temperature(1.5).seed(7);
    TokenSink sink =
        new TokenSink() {
          private int tokens;

          @Override
          public void token(int id, @Nullable GeneratedToken details) {
            try {
              disturbance.before(++tokens);
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    return chain.generator.run(best ? request : request.logprobs(VOCAB), sink);
  }

  @ParameterizedTest
  @CsvSource({"0, false", "1, false", "0, true", "1, true"})
  void onlyAMemberThatIsKilledComputesAgain(int which, boolean best) throws Exception {
    List<Span> spans = CHAINS.get(which);
    try (Chain quiet = new Chain(spans, best)) {
      GenerationResult expected = generate(quiet, best, token -> {});
      for (int killed = 0; killed < spans.size(); killed++) {
        for (int at : new int[] {1, 2, N - PROMPT - 1}) {
          try (Chain chain = new Chain(spans, best)) {
            Member victim = chain.members.get(killed);
            GenerationResult result =
                generate(
                    chain,
                    best,
                    token -> {
                      if (token == at) {
                        victim.kill();
                      }
                    });
            assertThat(result.ids()).isEqualTo(expected.ids());
            assertThat(result.tokens().equals(expected.tokens())).as("log-probabilities").isTrue();
            List<Long> rows = new ArrayList<>(quiet.rows());
            rows.set(killed, rows.get(killed) + PROMPT + at - 1);
            assertThat(chain.rows()).as("member %d killed at token %d", killed, at).isEqualTo(rows);
            for (Member member : chain.members) {
              member.awaitNoSequences();
            }
          }
        }
      }
    }
  }

  /** Connections are cut between two steps: no row is computed twice. */
  @ParameterizedTest
  @CsvSource({"0, false", "1, false", "0, true", "1, true"})
  void whoIsOnlyCutOffComputesNothingAgain(int which, boolean best) throws Exception {
    List<Span> spans = CHAINS.get(which);
    try (Chain quiet = new Chain(spans, best);
        Chain chain = new Chain(spans, best)) {
      GenerationResult expected = generate(quiet, best, token -> {});
      GenerationResult result =
          generate(
              chain,
              best,
              token -> {
                if (token % 5 == 0 && token < N - PROMPT) { // a step follows
                  chain.members.get(token / 5 % spans.size()).wire.cut();
                }
              });
      assertThat(result.ids()).isEqualTo(expected.ids());
      assertThat(result.tokens().equals(expected.tokens())).isTrue();
      assertThat(chain.rows()).isEqualTo(quiet.rows());
      for (Member member : chain.members) {
        assertThat(member.resumed).isNotEmpty().containsOnly(true);
        member.awaitNoSequences();
      }
    }
  }

  /** The answer to a step is lost: only that step is computed again. */
  @ParameterizedTest
  @CsvSource({"0, false", "1, true"})
  void aLostAnswerCostsOneStep(int which, boolean best) throws Exception {
    List<Span> spans = CHAINS.get(which);
    try (Chain quiet = new Chain(spans, best)) {
      GenerationResult expected = generate(quiet, best, token -> {});
      for (int cut = 0; cut < spans.size(); cut++) {
        for (int at = 1; at <= 8; at++) {
          try (Chain chain = new Chain(spans, best)) {
            Member victim = chain.members.get(cut);
            AtomicInteger batches = new AtomicInteger();
            AtomicInteger computing = new AtomicInteger();
            int fatal = at;
            victim.hook =
                batch -> {
                  if (batches.incrementAndGet() == fatal) {
                    computing.set(batch.totalRows());
                    victim.wire.cut();
                  }
                };
            GenerationResult result = generate(chain, best, token -> {});
            assertThat(result.ids()).isEqualTo(expected.ids());
            assertThat(result.tokens().equals(expected.tokens())).isTrue();
            for (int i = 0; i < spans.size(); i++) {
              long more = chain.rows().get(i) - quiet.rows().get(i);
              if (i != cut) {
                assertThat(more).isZero();
              } else if (computing.get() == 1) {
                assertThat(more).as("cut at batch %d", at).isEqualTo(1);
              } else { // of a prompt, up to four frames are on their way
                assertThat(more).as("cut at batch %d", at).isBetween(0L, 4L * C);
              }
            }
            assertThat(victim.resumed).containsExactly(true);
          }
        }
      }
    }
  }

  /** The server still takes the old connection for alive when the client resumes on a new one. */
  @ParameterizedTest
  @CsvSource({"false", "true"})
  void aSilentConnectionIsReplaced(boolean best) throws Exception {
    List<Span> spans = CHAINS.get(0);
    try (Chain quiet = new Chain(spans, best);
        Chain chain = new Chain(spans, best)) {
      GenerationResult expected = generate(quiet, best, token -> {});
      GenerationResult result =
          generate(
              chain,
              best,
              token -> {
                if (token == 7) {
                  chain.members.forEach(member -> member.wire.silenceOpenOnes());
                }
              });
      assertThat(result.ids()).isEqualTo(expected.ids());
      assertThat(result.tokens().equals(expected.tokens())).isTrue();
      for (int i = 0; i < spans.size(); i++) {
        // The step that was sent into the silence did not arrive.
        assertThat(chain.rows()).isEqualTo(quiet.rows());
        assertThat(chain.members.get(i).resumed).containsExactly(true);
        assertThat(chain.members.get(i).server.server.activeConnections()).isEqualTo(2);
        chain.members.get(i).awaitNoSequences();
      }
    }
  }

  @Test
  void afterTheGracePeriodTheRowsAreComputedAgain() throws Exception {
    List<Span> spans = CHAINS.get(0);
    try (Chain quiet = new Chain(spans, false);
        Chain chain = new Chain(spans, false)) {
      GenerationResult expected = generate(quiet, false, token -> {});
      Member victim = chain.members.get(1);
      victim.keepFor(50);
      GenerationResult result =
          generate(
              chain,
              false,
              token -> {
                if (token == 9) {
                  victim.wire.cut();
                  awaitUninterruptibly(victim);
                }
              });
      assertThat(result.ids()).isEqualTo(expected.ids());
      assertThat(result.tokens().equals(expected.tokens())).isTrue();
      List<Long> rows = new ArrayList<>(quiet.rows());
      rows.set(1, rows.get(1) + PROMPT + 8);
      assertThat(chain.rows()).isEqualTo(rows);
      assertThat(victim.resumed).last().isEqualTo(false);
    }
  }

  private static void awaitUninterruptibly(Member member) {
    try {
      member.awaitNoSequences();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, false", "1, false", "1, true"})
  void allMembersAreKilledAtRandom(int which, boolean best) throws Exception {
    List<Span> spans = CHAINS.get(which);
    for (long seed = 1; seed <= 3; seed++) {
      Random random = new Random(seed);
      try (Chain quiet = new Chain(spans, best);
          Chain chain = new Chain(spans, best)) {
        GenerationResult expected = generate(quiet, best, token -> {});
        int[] kills = {0};
        GenerationResult result =
            generate(
                chain,
                best,
                token -> {
                  for (Member member : token < N - PROMPT ? chain.members : NO_MEMBERS) {
                    switch (random.nextInt(10)) {
                      case 0, 1 -> {
                        member.kill();
                        kills[0]++;
                      }
                      case 2 -> member.wire.cut();
                      default -> {}
                    }
                  }
                });
        assertThat(kills[0]).isGreaterThan(3);
        assertThat(result.ids()).as("seed %d", seed).isEqualTo(expected.ids());
        assertThat(result.tokens().equals(expected.tokens())).as("seed %d", seed).isTrue();
        for (Member member : chain.members) {
          member.awaitNoSequences();
        }
      }
    }
  }
}
