package dev.tandem.stage;

/**
 * The span that a stage computes, and the widths of its rows.
 *
 * @param span the piece of the chain that it computes
 * @param dModel floats in an input row
 * @param vocabSize floats in a logits row
 * @param maxSeq the largest number of positions of a sequence
 */
public record StageSpec(Span span, int dModel, int vocabSize, int maxSeq) {

  /** The same model's stage of another span. */
  public StageSpec withSpan(Span other) {
    return new StageSpec(other, dModel, vocabSize, maxSeq);
  }

  /** Floats in an output row: {@code vocabSize} for logits, otherwise {@code dModel}. */
  public int outWidth() {
    return switch (span.output()) {
      case HIDDEN -> dModel;
      case LOGITS -> vocabSize;
    };
  }
}
