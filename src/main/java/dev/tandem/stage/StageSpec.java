package dev.tandem.stage;

/**
 * What a stage computes and the widths of its rows.
 *
 * @param layerBegin first block
 * @param layerEnd one past the last block; equal to {@code layerBegin} when there are none
 * @param head whether the final norm and the LM head follow the blocks
 * @param dModel floats in an input row
 * @param vocabSize floats in a logits row
 * @param maxSeq positions that a sequence can have at most
 */
public record StageSpec(
    int layerBegin, int layerEnd, boolean head, int dModel, int vocabSize, int maxSeq) {

  /** Floats in an output row: {@code vocabSize} for logits, else {@code dModel}. */
  public int outWidth() {
    return head ? vocabSize : dModel;
  }
}
