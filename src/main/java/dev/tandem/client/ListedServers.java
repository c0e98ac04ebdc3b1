package dev.tandem.client;

import dev.tandem.directory.Absent;
import dev.tandem.directory.Directory;
import dev.tandem.directory.Holder;
import dev.tandem.directory.Listing;
import dev.tandem.directory.Load;
import dev.tandem.directory.Wanted;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Servers by their addresses. Each is asked what it holds, all at the same time. Once the answers
 * meet the need, the others may take as long again as these took.
 */
public final class ListedServers implements Directory {
  /** A round trip is asked for so often, and the fastest one counts. */
  private static final int ROUND_TRIPS = 3;

  private static final long SHORTEST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final List<URI> servers;
  private final ServerConnections connections;

  /**
   * A list.
   *
   * @param servers in the order of preference
   * @param connections makes and keeps the connections
   */
  public ListedServers(List<URI> servers, ServerConnections connections) {
    this.servers = List.copyOf(servers);
    this.connections = connections;
  }

  @Override
  public Listing find(Wanted wanted) throws IOException {
    Inquiry inquiry = new Inquiry();
    if (servers.size() == 1) {
      inquiry.ask(0);
    } else {
      for (int i = 0; i < servers.size(); i++) {
        int server = i;
        Thread thread = new Thread(() -> inquiry.ask(server), "tandem-directory");
        thread.setDaemon(true);
        thread.start();
      }
      inquiry.await(wanted);
    }
    return inquiry.listing();
  }

  /** One question to all servers. */
  private final class Inquiry {
    private final long begin = System.nanoTime();

    // Guarded by this.
    private final List<@Nullable List<Holder>> answers = new ArrayList<>();
    private final List<@Nullable IOException> failures = new ArrayList<>();
    private int open = servers.size();
    private boolean over;

    Inquiry() {
      for (int i = 0; i < servers.size(); i++) {
        answers.add(null);
        failures.add(null);
      }
    }

    /** Asks one server; a failure is its answer. */
    void ask(int index) {
      URI server = servers.get(index);
      try {
        ServerConnection connection = connections.take(server);
        boolean kept = false;
        try {
          List<Holder> holders = holders(server, connection);
          kept = answered(index, holders);
        } finally {
          if (kept) {
            connections.keep(server, connection);
          } else {
            connection.close();
          }
        }
      } catch (IOException e) {
        failed(index, e);
      } catch (RuntimeException e) {
        failed(index, new IOException(server + ": " + e, e));
      }
    }

    private List<Holder> holders(URI server, ServerConnection connection) throws IOException {
      double roundTrip = millis(connection);
      return connection.models().stream()
          .map(
              model ->
                  new Holder(
                      server,
                      model.name(),
                      model.nLayers(),
                      model.offered(),
                      model.profile(),
                      new Load(roundTrip, model.layerMillis())))
          .toList();
    }

    /** With one server nothing is compared. */
    private double millis(ServerConnection connection) throws IOException {
      long fastest = Long.MAX_VALUE;
      for (int i = 0; i < ROUND_TRIPS && servers.size() > 1; i++) {
        fastest = Math.min(fastest, connection.roundTripNanos());
      }
      return fastest == Long.MAX_VALUE ? 0 : fastest / 1e6;
    }

    private synchronized boolean answered(int index, List<Holder> holders) {
      answers.set(index, holders);
      open--;
      notifyAll();
      return !over;
    }

    private synchronized void failed(int index, IOException cause) {
      failures.set(index, cause);
      open--;
      notifyAll();
    }

    synchronized void await(Wanted wanted) throws InterruptedIOException {
      boolean met = false;
      long deadline = 0;
      int lookedAt = servers.size();
      try {
        while (open > 0 && !(met && System.nanoTime() - deadline >= 0)) {
          if (!met && open < lookedAt) {
            lookedAt = open;
            met = wanted.isMetBy(listing().holders());
            long now = System.nanoTime();
            deadline = now + Math.max(SHORTEST_WAIT_NANOS, now - begin);
          } else if (met) {
            TimeUnit.NANOSECONDS.timedWait(this, Math.max(1, deadline - System.nanoTime()));
          } else {
            wait();
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw (InterruptedIOException) new InterruptedIOException("interrupted").initCause(e);
      } finally {
        over = true;
      }
    }

    /** The answers so far. */
    synchronized Listing listing() {
      List<Holder> holders = new ArrayList<>();
      List<Absent> absent = new ArrayList<>();
      for (int i = 0; i < servers.size(); i++) {
        List<Holder> answer = answers.get(i);
        IOException failure = failures.get(i);
        if (answer != null) {
          holders.addAll(answer);
        } else if (failure != null) {
          absent.add(new Absent(servers.get(i), failure));
        }
      }
      return new Listing(holders, absent);
    }
  }
}
