package dev.tandem.tokenizer;

import java.util.OptionalInt;
import java.util.Set;

/** Turns text into token ids and back. Implementations are immutable and safe for many threads. */
public interface Tokenizer {

  /** What sort of tokenizer it is, for people, such as {@code byte-level BPE (gpt2)}. */
  String kind();

  /** Number of ids; every id is in {@code [0, vocabSize())}. */
  int vocabSize();

  /**
   * The ids of a text, without any beginning-of-sequence token.
   *
   * @param text any string; unpaired surrogates are encoded as U+FFFD
   * @param parseSpecial whether special tokens written out in the text become their ids; otherwise
   *     they are ordinary text
   */
  int[] encode(String text, boolean parseSpecial);

  /**
   * The ids that a model is fed for a whole prompt: {@link #encode} after the beginning-of-sequence
   * token, where this tokenizer's models want one, and before the end-of-sequence token, where its
   * file says so.
   */
  int[] encodePrompt(String text, boolean parseSpecial);

  /**
   * The bytes that an id stands for, which need not be whole UTF-8 characters. A special token
   * yields its written form.
   *
   * @throws IllegalArgumentException if the id is not in {@code [0, vocabSize())}
   */
  byte[] bytes(int id);

  /** A new decoder for one stream of ids. */
  StreamingDecoder decoder();

  /**
   * The text of whole ids: what a new {@link #decoder} gives for them. It is the text again for
   * {@code decode(encode(text, p))} and {@code decode(encodePrompt(text, p))}, whatever {@code p};
   * only unpaired surrogates come back as U+FFFD, and a beginning-of-sequence token written out in
   * the text may not come back. Of a tokenizer whose file says so, the text comes back changed: in
   * its normal form, with U+2581 as a space, with or without spaces at its start or around special
   * tokens, without characters that have no token.
   *
   * @throws IllegalArgumentException if an id is not in {@code [0, vocabSize())}
   */
  default String decode(int... ids) {
    StreamingDecoder decoder = decoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      decoder.next(id, text);
    }
    decoder.finish(text);
    return text.toString();
  }

  /**
   * The beginning-of-sequence token, if the vocabulary has one. {@link #encodePrompt} says whether
   * prompts begin with it: GPT-2's do not, so an empty prompt has no ids, and this is the id to
   * feed instead.
   */
  OptionalInt bosId();

  /** Ids that end a text: generation stops at them. */
  Set<Integer> stopIds();

  /** Whether an id is a special token (control token), not text. */
  boolean isSpecial(int id);
}
