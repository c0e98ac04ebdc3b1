package dev.tandem.tokenizer.files;

import static java.util.Objects.requireNonNull;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The tokenizer files that the tests read, and whether they run at full length. */
public final class TestTokenizers {
  /** Whether the tests run at their full figures. */
  public static final boolean LONG = Boolean.getBoolean("tandem.long");

  private TestTokenizers() {}

  public static byte[] resource(String name) {
    try (InputStream in = TestTokenizers.class.getResourceAsStream(name)) {
      return requireNonNull(in, name).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] gpt2Merges() {
    return resource("/dev/tandem/tokenizer/files/gpt2-merges.txt");
  }

  static byte[] shakespeareVocab() {
    return resource("/weights/gpt2-shakespeare/vocab.json");
  }

  static byte[] shakespeareMerges() {
    return resource("/weights/gpt2-shakespeare/merges.txt");
  }

  static byte[] storiesBin() {
    return resource("/weights/stories260K/tok512.bin");
  }

  public static Tokenizer shakespeare() {
    try {
      return Tokenizers.byteLevelBpe(shakespeareVocab(), shakespeareMerges());
    } catch (TokenizerFormatException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Tokenizer stories() {
    try {
      return Tokenizers.llama2c(storiesBin(), 512);
    } catch (TokenizerFormatException e) {
      throw new UncheckedIOException(e);
    }
  }
}
