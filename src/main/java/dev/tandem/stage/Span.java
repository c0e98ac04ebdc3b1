package dev.tandem.stage;

/**
 * A contiguous piece of the chain <em>embed, layer 0 .. layer L-1, head</em>: layers {@code begin
 * .. end - 1}, and the head behind them where logits come out.
 *
 * @param begin first layer, at least 0
 * @param end one past the last layer; equal to {@code begin} for no layers
 * @param output what comes out: with {@link Output#LOGITS} the final norm and the LM head follow
 *     the layers
 */
public record Span(int begin, int end, Output output) {

  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException if it is not one
   */
  public Span {
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException("layers " + begin + ":" + end + " are not a range");
    }
  }

  /** Layers {@code begin .. end - 1} without the head. */
  public static Span layers(int begin, int end) {
    return new Span(begin, end, Output.HIDDEN);
  }

  /** The layers from {@code begin} to the last one, and the head. */
  public static Span toLogits(int begin, int nLayers) {
    return new Span(begin, nLayers, Output.LOGITS);
  }

  /** All layers of a model and its head. */
  public static Span whole(int nLayers) {
    return toLogits(0, nLayers);
  }

  /** The head of a model alone. */
  public static Span head(int nLayers) {
    return toLogits(nLayers, nLayers);
  }

  /** Number of layers. */
  public int nLayers() {
    return end - begin;
  }

  /** Whether there are any layers. */
  public boolean hasLayers() {
    return begin < end;
  }

  /** Whether the head follows the layers. */
  public boolean hasHead() {
    return output == Output.LOGITS;
  }

  /** Whether all of the other span is in this one; its head must be this one's. */
  public boolean contains(Span other) {
    return begin <= other.begin
        && other.end <= end
        && (!other.hasHead() || (hasHead() && other.end == end));
  }

  /**
   * Checks that this span is part of what somebody offers.
   *
   * @param holder who offers it, for the message
   * @throws MissingSpanException if it is not
   */
  public void checkWithin(Span offered, String holder) {
    if (!offered.contains(this)) {
      throw new MissingSpanException(this, holder, offered.toString());
    }
  }

  /** For messages: {@code layers 0:12 with head}, {@code layers 2:4} or {@code the head}. */
  @Override
  public String toString() {
    if (!hasLayers()) {
      return hasHead() ? "the head" : "no layers";
    }
    return "layers " + begin + ":" + end + (hasHead() ? " with head" : "");
  }
}
