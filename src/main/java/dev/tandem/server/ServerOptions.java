package dev.tandem.server;

import dev.tandem.protocol.Protocol;
import dev.tandem.settings.InvalidSettingException;

/**
 * How a server listens and what it admits.
 *
 * @param address host name or address to listen on
 * @param port 0 picks one
 * @param maxConnections clients at once
 * @param maxSequences open sequences of a model at once
 * @param maxContext positions of a sequence at most; the model's own limit holds too
 * @param pingIntervalMillis how often clients are asked for a sign of life
 * @param drainMillis how long {@link SplitServer#close} waits for steps under way
 */
public record ServerOptions(
    String address,
    int port,
    int maxConnections,
    int maxSequences,
    int maxContext,
    long pingIntervalMillis,
    long drainMillis) {

  /** Checks the ranges. */
  public ServerOptions {
    atLeast("port", port, 0);
    InvalidSettingException.require(port <= 65_535, "port", "must be at most 65535", port);
    atLeast("maxConnections", maxConnections, 1);
    atLeast("maxSequences", maxSequences, 1);
    atLeast("maxContext", maxContext, 1);
    atLeast("pingIntervalMillis", pingIntervalMillis, 1);
    atLeast("drainMillis", drainMillis, 0);
  }

  /** 127.0.0.1, port 8080, 256 connections, 64 sequences of any length. */
  public static ServerOptions defaults() {
    return new ServerOptions(
        "127.0.0.1", 8080, 256, 64, Integer.MAX_VALUE, Protocol.PING_INTERVAL_MILLIS, 2_000);
  }

  /** The same with another address and port. */
  public ServerOptions withAddress(String newAddress, int newPort) {
    return new ServerOptions(
        newAddress,
        newPort,
        maxConnections,
        maxSequences,
        maxContext,
        pingIntervalMillis,
        drainMillis);
  }

  /** The same with other limits on sequences. */
  public ServerOptions withSequences(int newMaxSequences, int newMaxContext) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        newMaxSequences,
        newMaxContext,
        pingIntervalMillis,
        drainMillis);
  }

  /** The same with another limit on connections. */
  public ServerOptions withMaxConnections(int newMaxConnections) {
    return new ServerOptions(
        address,
        port,
        newMaxConnections,
        maxSequences,
        maxContext,
        pingIntervalMillis,
        drainMillis);
  }

  /** The same with other times. */
  public ServerOptions withTimes(long newPingIntervalMillis, long newDrainMillis) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        maxSequences,
        maxContext,
        newPingIntervalMillis,
        newDrainMillis);
  }

  private static void atLeast(String name, long value, long min) {
    InvalidSettingException.require(value >= min, name, "must be at least " + min, value);
  }
}
