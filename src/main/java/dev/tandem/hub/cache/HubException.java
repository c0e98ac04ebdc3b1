package dev.tandem.hub.cache;

import java.io.IOException;
import java.nio.channels.UnresolvedAddressException;

/** A model could not be pulled; the message is one line that says what to do. */
public final class HubException extends IOException {
  private static final long serialVersionUID = 1;
  private static final int MAX_CHARS = 2000;

  public HubException(String message) {
    super(oneLine(message));
  }

  public HubException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  /**
   * Makes one short line of a hub's text, which may be long and hold line ends or terminal escapes.
   */
  static String oneLine(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(MAX_CHARS)
        .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? '?' : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }

  /** The reason of a failure in words; many of the JDK's exceptions have no message. */
  public static String reason(Throwable e) {
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
