package dev.tandem.settings;

/**
 * What a server gives of its model to clients without files: nothing, or the tokenizer and the
 * embeddings, perhaps also the head, and perhaps also the first layers.
 *
 * @param embeddings whether clients may have the tokenizer and the embeddings
 * @param head whether they may have the head, too
 * @param layers how many of the first layers they may have, too
 */
public record Offer(boolean embeddings, boolean head, int layers) {

  /** Nothing: clients need files of their own. */
  public static final Offer NONE = new Offer(false, false, 0);

  /** The tokenizer and the embeddings. A client that has only these asks for logits. */
  public static final Offer EMBEDDINGS = new Offer(true, false, 0);

  /** The tokenizer, the embeddings and the head. */
  public static final Offer HEAD = new Offer(true, true, 0);

  private static final String LAYERS = "layers:";

  /**
   * Checks that each part comes with those before it.
   *
   * @throws InvalidSettingException if it does not
   */
  public Offer {
    InvalidSettingException.require(layers >= 0, "offer", "must have at least 0 layers", layers);
    InvalidSettingException.require(
        (embeddings || !head) && (head || layers == 0),
        "offer",
        "must have the embeddings with a head, and a head with layers",
        embeddings + ", " + head + ", " + layers);
  }

  /**
   * The tokenizer, the embeddings, the head, and layers {@code 0 .. n-1}.
   *
   * @throws InvalidSettingException if n is negative
   */
  public static Offer ofLayers(int n) {
    return new Offer(true, true, n);
  }

  /**
   * Reads what {@link #toString} writes.
   *
   * @throws InvalidSettingException if the text is none of these
   */
  public static Offer of(String text) {
    return switch (text) {
      case "none" -> NONE;
      case "embeddings" -> EMBEDDINGS;
      case "head" -> HEAD;
      default -> {
        String n = text.startsWith(LAYERS) ? text.substring(LAYERS.length()) : "";
        InvalidSettingException.require(
            n.matches("[0-9]{1,6}"), "offer", "must be none, embeddings, head or layers:K", text);
        yield ofLayers(Integer.parseInt(n));
      }
    };
  }

  /** Whether this holds all of another one. */
  public boolean covers(Offer wanted) {
    return (embeddings || !wanted.embeddings) && (head || !wanted.head) && layers >= wanted.layers;
  }

  /** {@code none}, {@code embeddings}, {@code head} or {@code layers:K}. */
  @Override
  public String toString() {
    if (layers > 0) {
      return LAYERS + layers;
    }
    return head ? "head" : embeddings ? "embeddings" : "none";
  }
}
