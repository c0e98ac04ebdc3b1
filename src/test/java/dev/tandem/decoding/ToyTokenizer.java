package dev.tandem.decoding;

import dev.tandem.tokenizer.StreamingDecoder;
import dev.tandem.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Ids stand for given bytes; as in SentencePiece, a space that begins a stream is left out. */
public record ToyTokenizer(List<byte[]> pieces, Set<Integer> stopIds) implements Tokenizer {

  /** Pieces {@code " a0"}, {@code " a1"} ... for a whole vocabulary. */
  public static ToyTokenizer words(int vocabSize, Integer... stopIds) {
    List<byte[]> pieces =
        IntStream.range(0, vocabSize)
            .mapToObj(id -> (" a" + id).getBytes(StandardCharsets.UTF_8))
            .collect(Collectors.toList());
    return new ToyTokenizer(pieces, Set.of(stopIds));
  }

  /** The same, of which some ids stand for nothing. */
  ToyTokenizer without(int... ids) {
    List<byte[]> fewer = new ArrayList<>(pieces);
    Arrays.stream(ids).forEach(id -> fewer.set(id, new byte[0]));
    return new ToyTokenizer(fewer, stopIds);
  }

  /** Every id stands for nothing, and decoding it allocates nothing. */
  static ToyTokenizer silent(int vocabSize) {
    return new ToyTokenizer(Collections.nCopies(vocabSize, new byte[0]), Set.of());
  }

  @Override
  public String kind() {
    return "toy";
  }

  @Override
  public int vocabSize() {
    return pieces.size();
  }

  @Override
  public int[] encode(String text, boolean parseSpecial) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int[] encodePrompt(String text, boolean parseSpecial) {
    throw new UnsupportedOperationException();
  }

  @Override
  public byte[] bytes(int id) {
    return pieces.get(id).clone();
  }

  /** {@inheritDoc} Those of {@link #silent} are drawn all the same. */
  @Override
  public boolean hasText(int id) {
    return pieces.get(id).length > 0 || pieces.get(0).length == 0;
  }

  @Override
  public StreamingDecoder decoder() {
    return new Decoder(pieces);
  }

  @Override
  public OptionalInt bosId() {
    return OptionalInt.empty();
  }

  @Override
  public boolean isSpecial(int id) {
    return stopIds.contains(id);
  }

  private static final class Decoder implements StreamingDecoder {
    private final List<byte[]> pieces;
    private final CharsetDecoder utf8 =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer waiting = ByteBuffer.allocate(0);
    private boolean begun;

    Decoder(List<byte[]> pieces) {
      this.pieces = pieces;
    }

    @Override
    public void next(int id, StringBuilder out) {
      String text = decode(pieces.get(id), false);
      boolean first = !begun;
      begun = true;
      out.append(first && text.startsWith(" ") ? text.substring(1) : text);
    }

    @Override
    public void finish(StringBuilder out) {
      out.append(decode(new byte[0], true));
    }

    private String decode(byte[] more, boolean end) {
      if (more.length == 0 && !waiting.hasRemaining()) {
        return "";
      }
      ByteBuffer bytes = ByteBuffer.allocate(waiting.remaining() + more.length);
      bytes.put(waiting).put(more).flip();
      CharBuffer chars = CharBuffer.allocate(bytes.remaining() + 1);
      utf8.reset();
      utf8.decode(bytes, chars, end);
      waiting = bytes;
      return chars.flip().toString();
    }
  }
}
