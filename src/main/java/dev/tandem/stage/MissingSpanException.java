package dev.tandem.stage;

/** A span was requested that its holder does not have completely. */
public final class MissingSpanException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient Span requested;
  private final String held;

  /**
   * Creates the exception.
   *
   * @param requested the requested span
   * @param holder the name of the holder
   * @param held the spans of the holder, in words
   */
  public MissingSpanException(Span requested, String holder, String held) {
    super(holder + " has " + held + "; requested: " + requested);
    this.requested = requested;
    this.held = held;
  }

  /** The requested span. */
  public Span requested() {
    return requested;
  }

  /** The spans of the holder, in words. */
  public String held() {
    return held;
  }
}
