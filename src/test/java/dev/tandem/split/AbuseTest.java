package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.LocalChain;
import dev.tandem.settings.EngineSettings;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * All kinds of abuse at once ({@link Attackers}) against a server process with API keys and a
 * budget of KV cache, while good clients run: nothing of theirs is refused, their bits stay right,
 * every refusal is documented, the memory stays within its bounds, and nothing is left. Their step
 * times with and without the abuse are reported; the long run asserts them.
 */
@Tag("slow")
@Timeout(3000)
class AbuseTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final Duration ABUSE = LONG ? Duration.ofMinutes(10) : Duration.ofSeconds(3);
  private static final Duration QUIET = LONG ? Duration.ofSeconds(30) : Duration.ofSeconds(1);

  private static final String MODEL = "gpt2-shakespeare";
  private static final long KV_BYTES = 48L << 20;
  private static final long HEAP_BYTES = 256L << 20;

  /** Beside the KV cache, with that heap: docs/security.md states it. */
  private static final long OTHER_BYTES = 640L << 20;

  private static final double MAX_SLOWER = 2;
  private static final int SAMPLE_MILLIS = 100;

  @TempDir private Path directory;

  private record Peak(long kvBytes, long residentBytes) {
    Peak with(ServedProcess server) throws IOException {
      return new Peak(
          Math.max(kvBytes, server.state().kvBytes()),
          Math.max(residentBytes, server.residentBytes()));
    }
  }

  @Test
  void goodClientsGoOnAndNothingIsLeft(TestReporter reporter) throws Exception {
    Path keys = directory.resolve("keys");
    Files.writeString(
        keys,
        Attackers.keys(KV_BYTES)
            + "alice "
            + RawClient.sha256("alice")
            + "\nbob "
            + RawClient.sha256("bob")
            + "\n");
    ServedProcess.Guarded guarded = new ServedProcess.Guarded(keys, KV_BYTES, HEAP_BYTES);
    try (Checkpoint checkpoint = Checkpoints.open(MODEL, Optional.empty());
        LocalChain local = new LocalChain(checkpoint, EngineSettings.defaults());
        ServedProcess server = new ServedProcess(MODEL, guarded)) {
      Stage alone = local.stage(Span.layers(0, checkpoint.config().nLayers()));
      int threads;
      URI uri = URI.create("ws://127.0.0.1:" + server.port() + "/v1/split");
      try (GoodClient alice = new GoodClient(uri, "alice", alone);
          GoodClient bob = new GoodClient(uri, "bob", alone)) {
        List<GoodClient> good = List.of(alice, bob);
        awaitTexts(good, 5); // until the code is compiled
        threads = server.state().threads();
        takeTimes(good);
        Thread.sleep(QUIET.toMillis());
        long[] before = takeTimes(good);
        long[] during = abuse(server, alone, good, reporter);
        awaitTexts(good, 1);
        takeTimes(good);
        Thread.sleep(QUIET.toMillis());
        report(before, during, takeTimes(good), reporter);
      }
      ServedProcess.State last = server.awaitIdle(threads);
      assertThat(last.sequences()).isZero();
      assertThat(last.kvBytes()).isZero();
      assertThat(last.threads()).isLessThanOrEqualTo(threads);
    }
  }

  private static long[] takeTimes(List<GoodClient> good) {
    return good.stream().flatMapToLong(each -> LongStream.of(each.takeTimes())).toArray();
  }

  /** Waits until each has computed so many more texts. */
  private static void awaitTexts(List<GoodClient> good, int more) throws InterruptedException {
    for (GoodClient each : good) {
      int enough = each.texts() + more;
      while (each.texts() < enough) {
        Thread.sleep(1);
      }
    }
  }

  /** The good clients' times meanwhile. */
  private static long[] abuse(
      ServedProcess server, Stage model, List<GoodClient> good, TestReporter reporter)
      throws Exception {
    Peak peak = new Peak(0, 0);
    long[] times;
    int chunkRows = model.profile().chunkRows();
    try (Attackers attackers =
        new Attackers(server.port(), model.spec().span().end(), chunkRows, model.spec().dModel())) {
      long end = System.nanoTime() + ABUSE.toNanos();
      while (System.nanoTime() < end) {
        Thread.sleep(SAMPLE_MILLIS);
        peak = peak.with(server);
        assertThat(peak.kvBytes()).isLessThanOrEqualTo(KV_BYTES);
        assertThat(peak.residentBytes()).isLessThan(KV_BYTES + OTHER_BYTES);
        good.forEach(GoodClient::texts);
        attackers.assertAnswered();
      }
      times = takeTimes(good);
      awaitTexts(good, 1);
      assertDocumented(attackers);
      assertThat(attackers.counts())
          .containsKeys(
              "garbage",
              "opens until refused",
              "no key",
              "wrong key",
              "foreign origin",
              "too long",
              "too many connections",
              "broken messages");
      if (LONG) {
        assertThat(attackers.counts())
            .containsKeys("slow handshake", "reads no rows", "reads no info");
      }
      reporter.publishEntry("attacks", attackers.counts().toString());
    }
    reporter.publishEntry(
        "memory",
        String.format(
            Locale.ROOT,
            "KV cache %.1f of %.1f MiB, resident %.1f MiB",
            peak.kvBytes() / 0x1p20,
            KV_BYTES / 0x1p20,
            peak.residentBytes() / 0x1p20));
    return times;
  }

  /** What the server has answered stands in the tables of the protocol. */
  private static void assertDocumented(Attackers attackers) throws IOException {
    Set<String> documented =
        Files.readAllLines(Path.of("docs/protocol.md")).stream()
            .map(Pattern.compile("^\\| `?([a-z-]+|\\d{3})`? \\|.*")::matcher)
            .filter(Matcher::matches)
            .map(matcher -> matcher.group(1))
            .collect(Collectors.toSet());
    assertThat(attackers.codes())
        .contains("capacity", "position", "too-long", "unknown-sequence", "version")
        .isSubsetOf(documented);
    Set<String> refused =
        attackers.statuses().stream()
            .filter(status -> status != 101)
            .map(String::valueOf)
            .collect(Collectors.toSet());
    assertThat(refused).contains("401", "403", "429").isSubsetOf(documented);
  }

  private static void report(long[] before, long[] during, long[] after, TestReporter reporter) {
    long[] quiet = LongStream.concat(LongStream.of(before), LongStream.of(after)).toArray();
    reporter.publishEntry("quiet", inWords(quiet));
    reporter.publishEntry("abuse", inWords(during));
    if (LONG) {
      assertThat(quiet.length).isGreaterThan(5_000);
      assertThat((double) quantile(during, 0.99))
          .as("p99 with abuse")
          .isLessThanOrEqualTo(MAX_SLOWER * quantile(quiet, 0.99));
    }
  }

  private static long quantile(long[] nanos, double share) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    return sorted[(int) (share * (sorted.length - 1))];
  }

  private static String inWords(long[] nanos) {
    return String.format(
        Locale.ROOT,
        "%d steps, p50 %.3f ms, p99 %.3f ms",
        nanos.length,
        quantile(nanos, 0.5) / 1e6,
        quantile(nanos, 0.99) / 1e6);
  }
}
