package dev.tandem.stage;

/** A span was requested of something that does not have all of it. */
public final class MissingSpanException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient Span requested;
  private final String held;

  /**
   * An exception.
   *
   * @param requested the span
   * @param holder what it was requested of
   * @param held what the holder has, in words
   */
  public MissingSpanException(Span requested, String holder, String held) {
    super(holder + " has " + held + "; requested: " + requested);
    this.requested = requested;
    this.held = held;
  }

  /** What was requested. */
  public Span requested() {
    return requested;
  }

  /** What there is, in words. */
  public String held() {
    return held;
  }
}
