package dev.tandem.client;

import java.io.IOException;

/** A server has no room for another sequence at the moment. */
final class ServerFullException extends IOException {
  private static final long serialVersionUID = 1L;

  ServerFullException(String message) {
    super(message);
  }
}
