package dev.tandem.directory;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
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
    URI server,
    String name,
    int nLayers,
    StageSpec offered,
    ArithmeticProfile profile,
    Load load) {

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
