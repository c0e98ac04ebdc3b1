package dev.tandem.tokenizer.bpe;

/** Turns words into ids: symbols of the vocabulary, then merges. */
interface WordEncoder {
  /** The ids of a word, which is not empty. */
  int[] encode(String word);
}
