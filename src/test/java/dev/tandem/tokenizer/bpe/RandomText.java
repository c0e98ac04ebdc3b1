package dev.tandem.tokenizer.bpe;

import java.util.Random;

/** Random texts that reach the corners of tokenizers: well-formed, over all of Unicode. */
public final class RandomText {
  private static final String[] PIECES = {
    "'s",
    "'t",
    "'re",
    "'ve",
    "'m",
    "'ll",
    "'d",
    "'S",
    "'LL",
    "''",
    "' s",
    "\u2019s",
    "'",
    "\"",
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\n\n",
    "\u000b",
    "\f",
    "\u0085",
    "\u00a0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u205f",
    "\u3000",
    "\u180e",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\u001c",
    "\u001f",
    "\0",
    "1",
    "42",
    "2024",
    "3.14",
    "\u00bd",
    "\u2163",
    "\u0664",
    "\u4e09",
    "\u3007",
    "the",
    " the",
    "Hello",
    " world",
    "ROMEO:",
    "don't",
    "we're",
    "I'll",
    "antidisestablishmentarianism",
    "\u00e9t\u00e9",
    "e\u0301",
    "na\u00efve",
    "\u03a9\u03bc",
    "\u041f\u0440\u0438\u0432\u0435\u0442",
    "\u4f60\u597d",
    "\u3053\u3093\u306b\u3061\u306f",
    "\uc548\ub155",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0e2a\u0e27\u0e31\u0e2a",
    "\u0645\u0631\u062d\u0628\u0627",
    "\ud83d\ude00",
    "\ud83d\udc69\u200d\ud83d\ude80",
    "\ud83c\uddeb\ud83c\uddf7",
    "\ud835\udd38",
    "\ud835\udfd8",
    "\u0300\u0301",
    "\u20ac",
    "<|",
    "<|endoftext|>",
    "<s>",
    "</s>",
    "<0x41>",
    "http://",
    "a_b",
    "--",
    "...",
    "!!!",
    "\ufffd",
  };

  private final Random random;

  public RandomText(Random random) {
    this.random = random;
  }

  /** A text of a few dozen characters at most. */
  public String next() {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(8);
    int kind = random.nextInt(6);
    for (int i = 0; i <= parts; i++) {
      switch (kind < 5 ? kind : random.nextInt(5)) {
        case 0 -> text.appendCodePoint(codePoint());
        case 1 -> text.append((char) (' ' + random.nextInt(95)));
        case 2 -> text.append(PIECES[random.nextInt(PIECES.length)]);
        case 3 -> text.append(" \n\t\r\u00a0\u3000".charAt(random.nextInt(6)));
        default -> text.append(word());
      }
    }
    return text.toString();
  }

  private String word() {
    String letters = "etaoinshrdluETA";
    StringBuilder word = new StringBuilder(random.nextBoolean() ? " " : "");
    for (int i = random.nextInt(9); i >= 0; i--) {
      word.append(letters.charAt(random.nextInt(letters.length())));
    }
    return word.toString();
  }

  /** Any code point but surrogates; every second one from the BMP, assigned or not. */
  private int codePoint() {
    while (true) {
      int bound = random.nextBoolean() ? 0x10000 : Character.MAX_CODE_POINT + 1;
      int codePoint = random.nextInt(bound);
      if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
        return codePoint;
      }
    }
  }
}
