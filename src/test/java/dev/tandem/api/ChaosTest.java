package dev.tandem.api;

import static dev.tandem.ThreadPerTask.THREADS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.api.ChaosServers.Kind;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationResult;
import dev.tandem.split.ChaosWire;
import dev.tandem.split.KilledServer;
import dev.tandem.split.SpareServers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/**
 * Connections break in every way, late answers come on given-up connections, and servers are killed
 * and started again, all by a seed: every client of one server, of a chain, or of two servers with
 * the same layers ends with the bits of an undisturbed run, and nothing is left on the servers.
 */
@Tag("slow")
@Timeout(7200)
class ChaosTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final int RUNS = LONG ? 200 : 4;

  /** In every two long runs three servers are killed. */
  private static final int KILLS = LONG ? RUNS * 3 / 2 : RUNS;

  private static final int SPARES = LONG ? 2 : 1;
  private static final int MEAN_BYTES = 15_000;
  private static final int MAX_BREAKS = LONG ? 4 : 2;
  private static final int N_LAYERS = 4;

  /** Servers that are started together, and how many runs they serve. */
  private record Series(Kind kind, boolean prefixes, int runs) {
    private static List<Series> all() {
      if (!LONG) {
        return List.of(
            new Series(Kind.ONE, true, 1),
            new Series(Kind.TWO, false, 1),
            new Series(Kind.THREE, true, 1),
            new Series(Kind.TWINS, false, 1));
      }
      List<Series> all = new ArrayList<>();
      for (Kind kind : Kind.values()) {
        all.add(new Series(kind, false, RUNS / (2 * Kind.values().length)));
        all.add(new Series(kind, true, RUNS / (2 * Kind.values().length)));
      }
      return all;
    }
  }

  private static SplitModel open(
      ChaosPlan.Client client, List<ChaosWire> wires, ChaosKiller killer) {
    SplitBuilder builder =
        Tandem.split(KilledServer.MODEL)
            .layers(client.layers())
            .reply(client.reply())
            .topLogits(8)
            .onConnection(killer.listener())
            .connectTimeout(Duration.ofSeconds(2))
            .openTimeout(Duration.ofSeconds(10))
            .pingInterval(Duration.ofMillis(200));
    wires.forEach(wire -> builder.server(wire.uri()));
    client.draft().ifPresent(builder::draft);
    return ChaosServers.connect(builder);
  }

  private static GenerationResult generate(
      ChaosPlan.Client client, List<ChaosWire> wires, ChaosKiller killer, Runnable atToken) {
    try (SplitModel split = open(client, wires, killer)) {
      Generation running =
          split.start(
              client.request(),
              new GenerationListener() {
                @Override
                public void token(GeneratedToken token) {
                  atToken.run();
                }
              });
      return running.result();
    }
  }

  private static ChaosCounts run(ChaosPlan plan, ChaosServers servers, TextModel whole)
      throws Exception {
    List<ChaosWire> wires = servers.wires(plan.seed(), MEAN_BYTES, MAX_BREAKS);
    try {
      ChaosKiller killer = new ChaosKiller(plan, servers, wires);
      List<CompletableFuture<GenerationResult>> results = new ArrayList<>();
      for (int i = 0; i < plan.clients().size(); i++) {
        int index = i;
        ChaosPlan.Client client = plan.clients().get(i);
        results.add(
            CompletableFuture.supplyAsync(
                () -> generate(client, wires, killer, () -> killer.token(index)), THREADS));
      }
      for (int i = 0; i < results.size(); i++) {
        GenerationResult expected = whole.generate(plan.clients().get(i).request());
        GenerationResult result = results.get(i).join();
        assertThat(result.ids()).as("client %d of %s", i, plan).isEqualTo(expected.ids());
        assertThat(result.text()).as("client %d of %s", i, plan).isEqualTo(expected.text());
      }
      return killer.finish();
    } catch (RuntimeException e) {
      throw new IllegalStateException(servers + ", " + plan, e);
    } finally {
      for (ChaosWire wire : wires) {
        wire.close();
      }
    }
  }

  @Test
  void everyClientEndsWithTheBitsOfAQuietRun(TestReporter reporter) throws Exception {
    ChaosCounts counts = ChaosCounts.NONE;
    long seed = 0;
    long known = 0;
    long start = System.nanoTime();
    try (TextModel whole = Tandem.model(KilledServer.MODEL).settings(KilledServer.SETTINGS).open();
        SpareServers spares = new SpareServers(SPARES)) {
      for (Series series : Series.all()) {
        try (ChaosServers servers = new ChaosServers(series.kind, series.prefixes, spares)) {
          for (int run = 0; run < series.runs; run++, seed++) {
            int kills = LONG ? 1 + (int) (seed % 2) : 1;
            counts =
                counts.plus(
                    run(
                        ChaosPlan.draw(seed, servers.firstLayer(), N_LAYERS, servers.size(), kills),
                        servers,
                        whole));
          }
          known += servers.checkNothingIsLeft();
        }
      }
    }
    reporter.publishEntry("happened", counts.toString());
    reporter.publishEntry("bytes of known prompts that stay", "" + known);
    double seconds = (System.nanoTime() - start) / 1e9 / RUNS;
    reporter.publishEntry("seconds per run", String.format(Locale.ROOT, "%.1f", seconds));
    assertThat(counts.kills()).as("kills").isEqualTo(KILLS);
    if (LONG) {
      assertThat(counts.inReplays()).as("kills while a client sent its rows again").isPositive();
      assertThat(counts.moves()).as("clients that went on on another server").isPositive();
    }
    assertThat(counts.breaks()).as("breaks").isGreaterThanOrEqualTo(KILLS);
  }
}
