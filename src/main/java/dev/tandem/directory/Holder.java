package dev.tandem.directory;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.net.URI;

/**
 * A server, and a model of which it holds a span.
 *
 * @param server where clients connect
 * @param name the model's name, for users
 * @param nLayers layers of the whole model
 * @param offered the span that it holds; any span within it can be used
 * @param profile the arithmetic that it computes with, and the model hash
 * @param load what using it costs
 */
public record Holder(
    URI server, String name, int nLayers, StageSpec offered, ArithmeticProfile profile, Load load) {
  private static final int HASH_DIGITS = 12;

  /**
   * The failure of a client that has another model.
   *
   * @param server for the message
   * @param served what the server calls its model
   * @param servedHash the hash of the server's model
   * @param here what the client calls its model
   * @param hereHash the hash of the client's model
   */
  public static IOException isNot(
      String server, String served, String servedHash, String here, String hereHash) {
    return new IOException(
        server
            + " has model "
            + served
            + " ("
            + shortened(servedHash)
            + "), this client has "
            + here
            + " ("
            + shortened(hereHash)
            + "); use the same model at both ends");
  }

  private static String shortened(String hash) {
    return hash.substring(0, Math.min(HASH_DIGITS, hash.length()));
  }

  /** The server for messages, such as {@code ws://127.0.0.1:8080}. */
  public String address() {
    return address(server);
  }

  /** A server for messages: without a path. */
  public static String address(URI server) {
    return server.getScheme() + "://" + server.getRawAuthority();
  }

  /** The span that it holds. */
  public Span span() {
    return offered.span();
  }
}
