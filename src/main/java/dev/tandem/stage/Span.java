package dev.tandem.stage;

import dev.tandem.settings.Output;

/**
 * A contiguous piece of the chain <em>embed, layer 0 .. layer L-1, head</em>: layers {@code begin
 * .. end - 1}, followed by the head if the output is logits.
 *
 * @param begin first layer, at least 0
 * @param end one past the last layer; equal to {@code begin} for no layers
 * @param output the kind of output rows; with {@link Output#LOGITS} the final norm and the LM head
 *     follow the layers
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

  /** Only the head of a model. */
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

  /** Whether this span contains the other one, including its head. */
  public boolean contains(Span other) {
    return begin <= other.begin
        && other.end <= end
        && (!other.hasHead() || (hasHead() && other.end == end));
  }

  /**
   * Checks that this span is within an offered one.
   *
   * @param holder the name of the holder, for the message
   * @throws MissingSpanException if it is not
   */
  public void checkWithin(Span offered, String holder) {
    if (!offered.contains(this)) {
      throw new MissingSpanException(this, holder, offered.toString());
    }
  }

  /** For users: {@code layers 0..11 and the head}, {@code layer 3}, {@code the head}. */
  public String inWords() {
    if (!hasLayers()) {
      return hasHead() ? "the head" : "no layers";
    }
    String layers = nLayers() == 1 ? "layer " + begin : "layers " + begin + ".." + (end - 1);
    return hasHead() ? layers + " and the head" : layers;
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
