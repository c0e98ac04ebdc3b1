package dev.tandem.stage;

/**
 * What a stage computes and the widths of its rows.
 *
 * @param span the piece of the chain that it computes
 * @param dModel floats in an input row
 * @param vocabSize floats in a logits row
 * @param maxSeq positions that a sequence can have at most
 */
public record StageSpec(Span span, int dModel, int vocabSize, int maxSeq) {

  /** The same model's stage of another span. */
  public StageSpec withSpan(Span other) {
    return new StageSpec(other, dModel, vocabSize, maxSeq);
  }

  /** Floats in an output row: {@code vocabSize} for logits, else {@code dModel}. */
  public int outWidth() {
    return switch (span.output()) {
      case HIDDEN -> dModel;
      case LOGITS -> vocabSize;
    };
  }
}
