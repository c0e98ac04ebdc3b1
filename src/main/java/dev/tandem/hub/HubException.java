package dev.tandem.hub;

import java.io.IOException;
import java.nio.channels.UnresolvedAddressException;

/** A model could not be pulled; the message is one line that says what to do. */
public final class HubException extends IOException {
  private static final long serialVersionUID = 1;
  private static final int MAX_CHARS = 2000;

  HubException(String message) {
    super(oneLine(message));
  }

  HubException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  /** What a hub sends may be long and hold line ends or terminal escapes. */
  static String oneLine(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(MAX_CHARS)
        .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? '?' : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }

  /** What went wrong below, in words: many of the JDK's exceptions have no message of their own. */
  static String reason(Throwable e) {
    String message = e.getMessage();
    if (message != null && !message.isBlank()) {
      return message;
    }
    if (e instanceof UnresolvedAddressException) {
      return "unknown host";
    }
    return e.getCause() == null ? e.getClass().getSimpleName() : reason(e.getCause());
  }
}
