package dev.tandem.violations.client;

import dev.tandem.violations.server.Target;
import io.vertx.core.buffer.Buffer;

/** A client that knows the server, and sees Vert.x. */
public final class UsesServer {
  private final Target target = new Target();

  /** The server class that this client must not know. */
  public Target target() {
    return target;
  }

  /** A type that only the server may see. */
  public Buffer buffer() {
    return Buffer.buffer();
  }
}
