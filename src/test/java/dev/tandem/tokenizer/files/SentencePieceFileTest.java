package dev.tandem.tokenizer.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.LlamaForms.Protobuf;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Fields of {@code tokenizer.model}; {@link LlamaFormsTest} reads a real vocabulary. */
class SentencePieceFileTest {
  /** How many of Llama 2's pieces: enough for words. */
  private static final int PIECES = 1_000;

  private static Protobuf identity() {
    return new Protobuf().text(1, "identity");
  }

  private static Tokenizer read(Protobuf normalizer) throws TokenizerFormatException {
    return Tokenizers.sentencePiece(LlamaForms.model(normalizer, PIECES));
  }

  /** Expected: normalizer.cc's steps, done by hand on the text. */
  @Test
  void normalizerFields() throws TokenizerFormatException {
    Tokenizer plain = read(identity().number(3, 0).number(4, 0));
    Tokenizer prefix = read(identity().number(3, 1).number(4, 0));
    Tokenizer defaults = read(identity()); // dummy prefix, and extra white space goes
    for (String text :
        List.of("a", " a", "a  b ", "  the cat  ", " ", "", "\u2581a\u2581", "\n a")) {
      String spaced = text.isEmpty() ? "" : " " + text;
      assertThat(prefix.encode(text, false)).isEqualTo(plain.encode(spaced, false));
      String kept = text.replaceAll("^ +", "").replaceAll("  +", " ").replaceAll("[ \u2581]+$", "");
      String expected = kept.isEmpty() ? "" : " " + kept;
      assertThat(defaults.encode(text, false)).as(text).isEqualTo(plain.encode(expected, false));
      assertThat(plain.decode(plain.encode(text, false))).isEqualTo(text.replace('\u2581', ' '));
      Tokenizer again = Tokenizers.gguf(Tokenizers.vocabularyOf(defaults));
      assertThat(again.encode(text, false)).isEqualTo(defaults.encode(text, false));
    }
    Tokenizer literal = read(identity().number(3, 0).number(4, 0).number(5, 0));
    assertThat(literal.encode(" ", false)).containsExactly(3 + ' '); // only U+2581 is a piece
  }

  /** By hand: the pieces are a, b, ab (better), bx (best), a user-defined one. */
  @Test
  void piecesAndUnknownCharacters() throws TokenizerFormatException {
    Protobuf file = new Protobuf();
    file.message(1, new Protobuf().text(1, "<unk>").number(3, 2)); // 0
    file.message(1, new Protobuf().text(1, "a").fixed(2, -5)); // 1
    file.message(1, new Protobuf().text(1, "b").fixed(2, -6)); // 2
    file.message(1, new Protobuf().text(1, "ab").fixed(2, -2)); // 3
    file.message(1, new Protobuf().text(1, "bx").fixed(2, -1)); // 4
    file.message(1, new Protobuf().text(1, "<!>").number(3, 4)); // 5
    file.message(1, new Protobuf().text(1, "unused").number(3, 5)); // 6
    file.message(2, new Protobuf().number(3, 2));
    file.message(3, identity().number(3, 0).number(4, 0));
    Tokenizer tokenizer = Tokenizers.sentencePiece(file.bytes());
    for (Tokenizer same : List.of(tokenizer, Tokenizers.gguf(Tokenizers.vocabularyOf(tokenizer)))) {
      assertThat(same.encode("ab", false)).containsExactly(3);
      assertThat(same.encode("abx", false)).containsExactly(1, 4); // x is no piece, bx is
      assertThat(same.encode("xxaxx", false)).containsExactly(0, 1, 0); // unknown ones fuse
      assertThat(same.encode("a<!>b", false)).containsExactly(1, 5, 2);
      assertThat(same.encodePrompt("a", false)).containsExactly(1);
      assertThat(same.bosId()).isEmpty();
      assertThat(same.stopIds()).isEmpty();
    }
  }

  @Test
  void namedControlPieces() throws TokenizerFormatException {
    byte[] renamed =
        append(
            LlamaForms.model(identity(), PIECES),
            new Protobuf()
                .message(
                    2, new Protobuf().number(3, 2).number(35, 1).text(46, "</s>").text(47, "")));
    Tokenizer tokenizer = Tokenizers.sentencePiece(renamed, 7);
    assertThat(tokenizer.bosId()).hasValue(2);
    assertThat(tokenizer.stopIds()).containsExactly(7);
    Tokenizer usual = Tokenizers.sentencePiece(LlamaForms.model(identity(), PIECES), 7);
    assertThat(usual.stopIds()).containsExactlyInAnyOrder(2, 7);
  }

  @Test
  void whatIsNotSupportedIsNamed() {
    refuses(identity().raw(2, new byte[5]), "precompiled_charsmap", "\"identity\" with 5 B");
    refusesTrainer(new Protobuf().number(3, 1), "model_type", "BPE", "unigram");
    refusesTrainer(new Protobuf().number(3, 9), "model_type", "9");
    refusesTrainer(new Protobuf(), "model_type", "unigram"); // the default
    refusesTrainer(new Protobuf().number(3, 2).number(24, 1), "treat_whitespace_as_suffix");
    refusesMore(new Protobuf().message(5, new Protobuf().raw(2, new byte[3])), "denormalizer");
    refusesMore(
        piece(new Protobuf().text(1, "<unk>")), "piece 3129", "a name that no other piece has");
    refusesMore(piece(new Protobuf().fixed(2, 1)), "a name that no other piece has", "\"\"");
    refusesMore(piece(new Protobuf().text(1, "x?").fixed(2, Float.NaN)), "score", "NaN");
    refusesMore(piece(new Protobuf().text(1, "x?").number(3, 7)), "type", "7");
    refusesMore(piece(new Protobuf().text(1, "x?").number(3, 6)), "a byte", "x?");
    refusesMore(piece(new Protobuf().text(1, "x?").number(3, 2)), "one unknown token");
    refusesMore(piece(new Protobuf().raw(1, new byte[] {(byte) 0xFF})), "UTF-8");
    refusesMore(piece(new Protobuf().text(1, "zz").number(3, 5)), "no unused token", "zz");
    refusesMore(new Protobuf().number(1, 5), "wire type");
    byte[] file = LlamaForms.model(identity(), PIECES);
    refuses(Arrays.copyOf(file, file.length - 1), "tokenizer.model");
    refuses(Arrays.copyOf(new Protobuf().raw(9, new byte[99]).bytes(), 10), "a length of 0..8");
    refuses(new byte[0], "pieces", "none");
    refuses(LlamaForms.model(identity(), 258), "<0xFF>");
    byte[] overlong = new byte[11];
    Arrays.fill(overlong, (byte) 0xFF);
    refuses(overlong, "at most 10 B");
  }

  private static Protobuf piece(Protobuf piece) {
    return new Protobuf().message(1, piece);
  }

  private static byte[] append(byte[] file, Protobuf more) {
    byte[] whole = Arrays.copyOf(file, file.length + more.bytes().length);
    System.arraycopy(more.bytes(), 0, whole, file.length, more.bytes().length);
    return whole;
  }

  private static void refuses(Protobuf normalizer, String... parts) {
    refuses(LlamaForms.model(normalizer, PIECES), parts);
  }

  private static void refusesMore(Protobuf more, String... parts) {
    refuses(append(LlamaForms.model(identity(), PIECES), more), parts);
  }

  /** A trainer_spec in a file without another one. */
  private static void refusesTrainer(Protobuf trainer, String... parts) {
    refuses(piece(new Protobuf().text(1, "<unk>").number(3, 2)).message(2, trainer).bytes(), parts);
  }

  private static void refuses(byte[] file, String... parts) {
    assertThatThrownBy(() -> Tokenizers.sentencePiece(file))
        .isExactlyInstanceOf(TokenizerFormatException.class)
        .hasMessageStartingWith("tokenizer.model")
        .hasMessageContainingAll(parts);
  }
}
