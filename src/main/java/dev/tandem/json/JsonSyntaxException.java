package dev.tandem.json;

import java.io.IOException;

/** A text is not the JSON that it must be. The message is a clause without a subject. */
public final class JsonSyntaxException extends IOException {
  private static final long serialVersionUID = 1;

  JsonSyntaxException(String message) {
    super(message);
  }

  JsonSyntaxException(String message, Throwable cause) {
    super(message, cause);
  }
}
