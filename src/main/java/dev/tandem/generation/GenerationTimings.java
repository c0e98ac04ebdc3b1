package dev.tandem.generation;

/**
 * The times of a generation.
 *
 * @param promptTokens tokens of the prompt
 * @param promptNanos from the first prompt row's embedding to the prompt's logits
 * @param decodeTokens generated tokens that were fed back to the model; the last token of a text
 *     that ends by length is not fed back
 * @param decodeNanos from the prompt's logits to the end of the text
 * @param decodeStageNanos the part of {@code decodeNanos} spent in stages
 * @param drawnTokens tokens that were drawn, including the one that stopped the text
 */
public record GenerationTimings(
    int promptTokens,
    long promptNanos,
    int decodeTokens,
    long decodeNanos,
    long decodeStageNanos,
    int drawnTokens) {

  /**
   * Nanoseconds per drawn token outside the stages: embedding, sampling, decoding text, the
   * listener and the loop. 0 if nothing was drawn.
   */
  public double javaNanosPerToken() {
    return drawnTokens == 0 ? 0 : (double) (decodeNanos - decodeStageNanos) / drawnTokens;
  }
}
