package dev.tandem.generation;

/**
 * The times and the counts of a generation.
 *
 * @param promptTokens tokens of the prompt
 * @param promptNanos from the first prompt row's embedding to the prompt's logits
 * @param decodeTokens generated tokens that were fed back to the model; the last token of a text
 *     that ends by length is not fed back
 * @param decodeNanos from the prompt's logits to the end of the text
 * @param decodeStageNanos the part of {@code decodeNanos} spent in stages
 * @param drawnTokens tokens that were drawn, including the one that stopped the text
 * @param draftedTokens tokens that were guessed before they were drawn
 * @param comparedTokens guesses that were compared with a draw: those up to the first wrong one of
 *     each step. The share of accepted tokens among them is how often a guess is right
 * @param acceptedTokens guesses that the model drew, too; each saved a step
 */
public record GenerationTimings(
    int promptTokens,
    long promptNanos,
    int decodeTokens,
    long decodeNanos,
    long decodeStageNanos,
    int drawnTokens,
    int draftedTokens,
    int comparedTokens,
    int acceptedTokens) {

  /**
   * Nanoseconds per drawn token outside the stages: embedding, sampling, decoding text, the
   * listener and the loop. 0 if nothing was drawn.
   */
  public double javaNanosPerToken() {
    return drawnTokens == 0 ? 0 : (double) (decodeNanos - decodeStageNanos) / drawnTokens;
  }
}
