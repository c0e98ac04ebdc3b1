package dev.tandem.hub.cache;

import dev.tandem.settings.Remediable;
import dev.tandem.settings.Remedy;
import java.io.IOException;
import java.nio.channels.UnresolvedAddressException;
import java.util.List;

/**
 * A model could not be pulled. The message is one line that says what to do; it ends with the
 * remedies, if a setting can mend the fault.
 */
public final class HubException extends IOException implements Remediable {
  private static final long serialVersionUID = 1;
  private static final int MAX_CHARS = 2000;

  private final String statement;
  private final List<Remedy> remedies;

  /**
   * An exception.
   *
   * @param remedies settings of the pull each of which mends it
   */
  public HubException(String statement, Remedy... remedies) {
    super(oneLine(statement));
    this.statement = oneLine(statement);
    this.remedies = List.of(remedies);
  }

  public HubException(String statement, Throwable cause) {
    this(statement);
    initCause(cause);
  }

  @Override
  public String statement() {
    return statement;
  }

  @Override
  public List<Remedy> remedies() {
    return remedies;
  }

  @Override
  public String getMessage() {
    return worded(Remedy::toString);
  }

  /**
   * Makes one short line of a hub's text, which may be long and hold line ends or terminal escapes.
   */
  static String oneLine(String text) {
    return Remediable.oneLine(text, MAX_CHARS);
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
