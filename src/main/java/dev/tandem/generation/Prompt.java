package dev.tandem.generation;

import dev.tandem.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * What a model continues: text, token ids, or a list of both. Immutable.
 *
 * <p>At the beginning of a sequence the first text gets the beginning-of-sequence token where the
 * tokenizer's models want one; ids are taken as they are. A prompt without any token, at the
 * beginning of a sequence, stands for the beginning-of-sequence token alone.
 */
public abstract sealed class Prompt {
  private Prompt() {}

  /** Text. Special tokens that are written out in it are ordinary characters. */
  public static Prompt text(String text) {
    return new Text(text, false);
  }

  /** Text in which written special tokens, such as {@code <|endoftext|>}, become their ids. */
  public static Prompt markup(String text) {
    return new Text(text, true);
  }

  /** Token ids, copied. */
  public static Prompt ids(int... ids) {
    return new Ids(ids.clone());
  }

  /** Several prompts, one after another; each text is encoded on its own. */
  public static Prompt of(List<Prompt> parts) {
    return new Parts(List.copyOf(parts));
  }

  /** As {@link #of(List)}. */
  public static Prompt of(Prompt... parts) {
    return of(List.of(parts));
  }

  /**
   * The ids at the beginning of a sequence; empty only where the prompt has no tokens and the
   * tokenizer has no beginning-of-sequence token.
   */
  public int[] begin(Tokenizer tokenizer) {
    int[] ids = encode(tokenizer, true).toArray();
    OptionalInt bos = tokenizer.bosId();
    return ids.length == 0 && bos.isPresent() ? new int[] {bos.getAsInt()} : ids;
  }

  /** The ids that follow others in a sequence; may be empty. */
  public int[] follow(Tokenizer tokenizer) {
    return encode(tokenizer, false).toArray();
  }

  abstract IntStream encode(Tokenizer tokenizer, boolean first);

  private static final class Text extends Prompt {
    private final String text;
    private final boolean special;

    Text(String text, boolean special) {
      this.text = text;
      this.special = special;
    }

    @Override
    IntStream encode(Tokenizer tokenizer, boolean first) {
      return Arrays.stream(
          first ? tokenizer.encodePrompt(text, special) : tokenizer.encode(text, special));
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private static final class Ids extends Prompt {
    private final int[] ids;

    Ids(int[] ids) {
      this.ids = ids;
    }

    @Override
    IntStream encode(Tokenizer tokenizer, boolean first) {
      return Arrays.stream(ids);
    }

    @Override
    public String toString() {
      return Arrays.toString(ids);
    }
  }

  private static final class Parts extends Prompt {
    private final List<Prompt> parts;

    Parts(List<Prompt> parts) {
      this.parts = parts;
    }

    @Override
    IntStream encode(Tokenizer tokenizer, boolean first) {
      return IntStream.range(0, parts.size())
          .boxed()
          .flatMapToInt(i -> parts.get(i).encode(tokenizer, first && i == 0));
    }

    @Override
    public String toString() {
      return parts.toString();
    }
  }
}
