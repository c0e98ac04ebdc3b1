package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.Reply;
import dev.tandem.split.ChaosWire;
import dev.tandem.split.KilledServer;
import dev.tandem.split.SpareServers;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The servers of some runs of {@link ChaosTest}, and how many threads they have when quiet. */
final class ChaosServers implements AutoCloseable {
  /** Room for some of the prompts' chunks, not for all. */
  private static final long PREFIX_BYTES = 512 << 10;

  /** A guard against hanging only. */
  private static final long CONNECT_NANOS = 60_000_000_000L;

  /** How the layers are spread. */
  enum Kind {
    ONE,
    TWO,
    THREE,
    TWINS,
    /** The first layer is held by clients only. */
    UPPER;

    private List<Span> spans() {
      return switch (this) {
        case ONE -> List.of(Span.layers(0, 4));
        case TWO -> List.of(Span.layers(0, 2), Span.layers(2, 4));
        case THREE -> List.of(Span.layers(0, 1), Span.layers(1, 3), Span.layers(3, 4));
        case TWINS -> List.of(Span.layers(0, 4), Span.layers(0, 4));
        case UPPER -> List.of(Span.layers(1, 4));
      };
    }
  }

  private final Kind kind;
  private final boolean prefixes;
  private final List<KilledServer> servers = new ArrayList<>();
  private final List<Integer> quietThreads = new ArrayList<>();

  /** Starts them; each then serves one quiet client. */
  ChaosServers(Kind kind, boolean prefixes, SpareServers spares)
      throws IOException, InterruptedException {
    this.kind = kind;
    this.prefixes = prefixes;
    try {
      for (Span span : kind.spans()) {
        servers.add(new KilledServer(spares, span, prefixes ? PREFIX_BYTES : 0));
      }
      serveQuietly();
      for (KilledServer server : servers) {
        quietThreads.add(server.awaitIdle(Integer.MAX_VALUE).threads());
      }
    } catch (IOException | RuntimeException | InterruptedException e) {
      close();
      throw e;
    }
  }

  int firstLayer() {
    return kind.spans().get(0).begin();
  }

  int size() {
    return servers.size();
  }

  KilledServer get(int i) {
    return servers.get(i);
  }

  /** A wire to each server. */
  List<ChaosWire> wires(long seed, int meanBytes, int maxBreaks) throws IOException {
    List<ChaosWire> wires = new ArrayList<>();
    for (int i = 0; i < servers.size(); i++) {
      wires.add(
          new ChaosWire(servers.get(i).port(), seed * servers.size() + i, meanBytes, maxBreaks));
    }
    return wires;
  }

  /** Connects; a client tries only a lost connection again by itself, and not its first one. */
  static SplitModel connect(SplitBuilder builder) {
    long deadline = System.nanoTime() + CONNECT_NANOS;
    while (true) {
      try {
        return builder.connect();
      } catch (ServerException e) {
        if (System.nanoTime() - deadline >= 0) {
          throw e;
        }
      }
    }
  }

  /** Makes each server start what it starts late. */
  private void serveQuietly() {
    if (kind == Kind.TWINS) {
      servers.forEach(server -> serveQuietly(List.of(server)));
    } else {
      serveQuietly(servers);
    }
  }

  private void serveQuietly(List<KilledServer> used) {
    SplitBuilder builder =
        Tandem.split(KilledServer.MODEL).layers(firstLayer()).reply(Reply.TOPK).topLogits(8);
    used.forEach(server -> builder.server("ws://127.0.0.1:" + server.port() + "/v1/split"));
    try (SplitModel split = connect(builder)) {
      assertThat(split.generate(GenerationRequest.of("ROMEO:").maxTokens(2)).ids()).hasSize(2);
    }
  }

  /**
   * Nothing is left on any server: no sequence, no KV cache, and no more threads than a fresh one
   * has. Known prompts stay, within their limit. Returns the bytes of these.
   */
  long checkNothingIsLeft() throws IOException, InterruptedException {
    serveQuietly();
    long known = 0;
    for (int i = 0; i < servers.size(); i++) {
      KilledServer.State left = servers.get(i).awaitIdle(quietThreads.get(i));
      assertThat(left.sequences()).as("sequences of %s", this).isZero();
      assertThat(left.kvBytes()).as("KV cache of %s", this).isZero();
      assertThat(left.threads()).as("threads of %s", this).isLessThanOrEqualTo(quietThreads.get(i));
      assertThat(left.prefixBytes())
          .as("known prompts of %s", this)
          .isBetween(0L, prefixes ? PREFIX_BYTES : 0);
      known += left.prefixBytes();
    }
    return known;
  }

  @Override
  public void close() throws IOException {
    for (KilledServer server : servers) {
      server.close();
    }
  }

  @Override
  public String toString() {
    return kind + (prefixes ? " with known prompts" : "");
  }
}
