package dev.tandem.api;

import static dev.tandem.ThreadPerTask.THREADS;

import dev.tandem.settings.ConnectionListener;
import dev.tandem.split.ChaosWire;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Kills servers in the moments of a {@link ChaosPlan}, and counts what happens to the clients. */
final class ChaosKiller {
  private final ChaosPlan plan;
  private final ChaosServers servers;
  private final List<ChaosWire> wires;

  // Guarded by this.
  private final int[] tokens;
  private final boolean[] begun;
  private final List<CompletableFuture<Void>> running = new ArrayList<>();
  private int inReplays;
  private int replays;
  private int moves;
  private int resumed;

  ChaosKiller(ChaosPlan plan, ChaosServers servers, List<ChaosWire> wires) {
    this.plan = plan;
    this.servers = servers;
    this.wires = wires;
    tokens = new int[plan.clients().size()];
    begun = new boolean[plan.kills().size()];
  }

  /** A client has drawn a token. */
  synchronized void token(int client) {
    tokens[client]++;
    for (int i = 0; i < begun.length; i++) {
      ChaosPlan.Kill kill = plan.kills().get(i);
      if (!begun[i] && kill.client() == client && kill.token() == tokens[client]) {
        begin(i, kill.server());
      }
    }
  }

  /** Follows a client's connections. */
  ConnectionListener listener() {
    return new ConnectionListener() {
      private final Set<String> lost = new HashSet<>();

      @Override
      public synchronized void lost(String peer, String cause) {
        lost.add(peer);
      }

      @Override
      public synchronized void restored(String peer, Duration outage, boolean isResumed) {
        boolean moved = !lost.remove(peer);
        if (moved) {
          lost.clear(); // a client of a chain loses several, and finds the same ones again
        }
        found(peer, moved, isResumed);
      }
    };
  }

  /** A client begins to send its rows again, or has resumed. */
  private synchronized void found(String peer, boolean moved, boolean isResumed) {
    if (isResumed) {
      resumed++;
      return;
    }
    replays++;
    moves += moved ? 1 : 0;
    for (int i = 1; i < begun.length; i++) {
      if (!begun[i] && begun[i - 1] && plan.kills().get(i).inReplay()) {
        inReplays++;
        begin(i, server(peer));
        return;
      }
    }
  }

  private int server(String peer) {
    for (int i = 0; i < wires.size(); i++) {
      if (wires.get(i).uri().getAuthority().equals(peer)) {
        return i;
      }
    }
    throw new IllegalStateException("no server at " + peer);
  }

  private void begin(int i, int server) {
    begun[i] = true;
    ChaosPlan.Kill kill = plan.kills().get(i);
    running.add(
        CompletableFuture.runAsync(
            () -> {
              try {
                Thread.sleep(kill.delayMillis());
                servers.get(server).killAndRestart(kill.deadMillis());
              } catch (IOException e) {
                throw new IllegalStateException("the server did not come back", e);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            },
            THREADS));
  }

  /** Waits until the killed servers are back; returns what happened. */
  ChaosCounts finish() {
    List<CompletableFuture<Void>> all;
    synchronized (this) {
      all = List.copyOf(running);
    }
    all.forEach(CompletableFuture::join);
    int breaks = wires.stream().mapToInt(ChaosWire::breaks).sum();
    synchronized (this) {
      return new ChaosCounts(all.size(), inReplays, breaks, replays, moves, resumed);
    }
  }
}
