package dev.tandem.tokenizer;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** Turns text into token ids and back. Implementations are immutable and safe for many threads. */
public interface Tokenizer {

  /** The kind of tokenizer in words, such as {@code byte-level BPE (gpt2)}. */
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
   * The ids of a whole prompt: {@link #encode}, after the beginning-of-sequence token if this
   * tokenizer's models need one, and before the end-of-sequence token if its file asks for one.
   */
  int[] encodePrompt(String text, boolean parseSpecial);

  /**
   * The bytes that an id stands for, which need not be whole UTF-8 characters. A special token
   * gives its written form.
   *
   * @throws IllegalArgumentException if the id is not in {@code [0, vocabSize())}
   */
  byte[] bytes(int id);

  /** A new decoder for one stream of ids. */
  StreamingDecoder decoder();

  /**
   * The text of these ids: what a new {@link #decoder} gives for them. {@code decode(encode(text,
   * p))} and {@code decode(encodePrompt(text, p))} give the text again, for any {@code p}, with two
   * exceptions: unpaired surrogates become U+FFFD, and a beginning-of-sequence token written out in
   * the text may be lost. Some tokenizer files change the text further: normal form, U+2581 as a
   * space, spaces at the start or around special tokens, and characters without a token.
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
   * The beginning-of-sequence token, if the vocabulary has one. {@link #encodePrompt} decides
   * whether prompts begin with it. GPT-2's do not, so an empty prompt has no ids, and a model gets
   * this id instead.
   */
  OptionalInt bosId();

  /** Ids that end a text: generation stops at them. */
  Set<Integer> stopIds();

  /** Whether an id is a special token (control token), not text. */
  boolean isSpecial(int id);

  /** Whether an id stands for any bytes; one that pads a model's vocabulary does not. */
  default boolean hasText(int id) {
    return bytes(id).length > 0;
  }

  /** What was assumed because no file says it, for the user; one line each. */
  default List<String> notes() {
    return List.of();
  }
}
