package dev.tandem.endpoints;

import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Offer;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A server's address and limits.
 *
 * @param address host name or address to listen on
 * @param port the port; 0 chooses a free one
 * @param maxConnections the largest number of clients at once
 * @param maxSequences the largest number of open sequences of a model
 * @param maxContext the largest number of positions of a sequence; the model's own limit also
 *     applies
 * @param times how long it waits, and for what
 * @param security what protects the server
 * @param offer what clients without files may download; empty: {@link Offer#HEAD}, as far as the
 *     server's files hold it
 * @param kvBudget bytes of KV cache that the sequences of a model may reserve together; empty: what
 *     the largest number of sequences may need
 * @param prefixes what is kept of prompts
 */
public record ServerOptions(
    String address,
    int port,
    int maxConnections,
    int maxSequences,
    int maxContext,
    ServerTimes times,
    ServerSecurity security,
    Optional<Offer> offer,
    OptionalLong kvBudget,
    PrefixCaching prefixes) {

  /** Checks the ranges. */
  public ServerOptions {
    atLeast("port", port, 0);
    InvalidSettingException.require(port <= 65_535, "port", "must be at most 65535", port);
    atLeast("maxConnections", maxConnections, 1);
    atLeast("maxSequences", maxSequences, 1);
    atLeast("maxContext", maxContext, 1);
    atLeast("kvBudget", kvBudget.orElse(1), 1);
  }

  /** 127.0.0.1, port 8080, 256 connections, 64 sequences of any length. */
  public static ServerOptions defaults() {
    return new ServerOptions(
        "127.0.0.1",
        8080,
        256,
        64,
        Integer.MAX_VALUE,
        ServerTimes.DEFAULTS,
        ServerSecurity.NONE,
        Optional.empty(),
        OptionalLong.empty(),
        PrefixCaching.NONE);
  }

  /** The same with another address and port. */
  public ServerOptions withAddress(String newAddress, int newPort) {
    return new ServerOptions(
        newAddress,
        newPort,
        maxConnections,
        maxSequences,
        maxContext,
        times,
        security,
        offer,
        kvBudget,
        prefixes);
  }

  /** The same with other limits on sequences. */
  public ServerOptions withSequences(int newMaxSequences, int newMaxContext) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        newMaxSequences,
        newMaxContext,
        times,
        security,
        offer,
        kvBudget,
        prefixes);
  }

  /** The same with another limit on connections. */
  public ServerOptions withMaxConnections(int newMaxConnections) {
    return new ServerOptions(
        address,
        port,
        newMaxConnections,
        maxSequences,
        maxContext,
        times,
        security,
        offer,
        kvBudget,
        prefixes);
  }

  /** The same with other times. */
  public ServerOptions withTimes(ServerTimes value) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        maxSequences,
        maxContext,
        value,
        security,
        offer,
        kvBudget,
        prefixes);
  }

  /** The same with other protection. */
  public ServerOptions withSecurity(ServerSecurity value) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        maxSequences,
        maxContext,
        times,
        value,
        offer,
        kvBudget,
        prefixes);
  }

  /** The same with another offer to clients without files. */
  public ServerOptions withOffer(Offer value) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        maxSequences,
        maxContext,
        times,
        security,
        Optional.of(value),
        kvBudget,
        prefixes);
  }

  /** The same with a budget of KV cache, in bytes. */
  public ServerOptions withKvBudget(long bytes) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        maxSequences,
        maxContext,
        times,
        security,
        offer,
        OptionalLong.of(bytes),
        prefixes);
  }

  /** The same with something else kept of prompts. */
  public ServerOptions withPrefixes(PrefixCaching value) {
    return new ServerOptions(
        address,
        port,
        maxConnections,
        maxSequences,
        maxContext,
        times,
        security,
        offer,
        kvBudget,
        value);
  }

  private static void atLeast(String name, long value, long min) {
    InvalidSettingException.require(value >= min, name, "must be at least " + min, value);
  }
}
