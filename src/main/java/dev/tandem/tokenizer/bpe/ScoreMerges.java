package dev.tandem.tokenizer.bpe;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Merges that follow from scores: two pieces merge if their concatenation is a piece, the best
 * score first.
 */
public final class ScoreMerges {
  private final TokenizerSpec spec;
  private final byte[][] pieces; // empty: not a piece
  private final ByteStringIndex index;

  private ScoreMerges(TokenizerSpec spec) {
    this.spec = spec;
    pieces = new byte[spec.size()][];
    for (int id = 0; id < pieces.length; id++) {
      boolean isPiece = !spec.types[id].isSpecial() && spec.types[id] != TokenType.BYTE;
      String name = isPiece ? spec.normalizer.spaces().working(spec.names[id]) : "";
      pieces[id] = name.getBytes(StandardCharsets.UTF_8);
    }
    index = new ByteStringIndex(pieces, 0);
  }

  /**
   * Lists every way to compose a piece of two others; the priority is the rank of its score. If
   * characters without a token may merge ({@link TokenizerSpec#fallbackAfterMerges}), they count as
   * pieces here. Pieces with a score below {@link TokenizerSpec#leastScore} are never composed.
   *
   * @param file for messages
   * @throws TokenizerFormatException if a merge makes an unused piece, which would have to be split
   *     again
   */
  public static MergeTable table(String file, TokenizerSpec spec) throws TokenizerFormatException {
    float[] scores = requireNonNull(spec.scores);
    ScoreMerges merges = new ScoreMerges(spec);
    int[] ranks = ranks(scores);
    MergeTable table = new MergeTable(2 * spec.size());
    for (int id = 0; id < spec.size(); id++) {
      byte[] piece = merges.pieces[id];
      if (piece.length > 0
          && scores[id] >= spec.leastScore
          && merges.index.find(piece, 0, piece.length) == id
          && merges.addAll(id, ranks[id], table)
          && spec.types[id] == TokenType.UNUSED) {
        throw new TokenizerFormatException(
            file + " token " + id,
            "no unused token that others merge into",
            Quote.of(spec.names[id]));
      }
    }
    return table;
  }

  /** Adds the merges into a piece, and returns whether there are any. */
  private boolean addAll(int id, int rank, MergeTable table) {
    byte[] piece = pieces[id];
    long[] hashes = ByteStringIndex.prefixHashes(piece);
    boolean any = false;
    for (int cut = 1; cut < piece.length; cut++) {
      int left = symbol(piece, 0, cut, hashes);
      int right = left < 0 ? -1 : symbol(piece, cut, piece.length, hashes);
      if (right >= 0) {
        table.add(left, right, rank, id);
        any = true;
      }
    }
    return any;
  }

  /** The symbol for a part of a piece, or -1. */
  private int symbol(byte[] piece, int start, int end, long[] hashes) {
    int id = index.find(piece, start, end, hashes);
    if (id >= 0 || !spec.fallbackAfterMerges || end - start > 4) {
      return id;
    }
    String part = new String(piece, start, end - start, StandardCharsets.UTF_8);
    int codePoint = part.codePointAt(0);
    boolean oneCharacter =
        part.length() == Character.charCount(codePoint)
            && Arrays.equals(
                part.getBytes(StandardCharsets.UTF_8), Arrays.copyOfRange(piece, start, end));
    return oneCharacter ? spec.size() + codePoint : -1;
  }

  /** The rank of each id: the number of different scores that are better than its own. */
  private static int[] ranks(float[] scores) {
    float[] keys = new float[scores.length]; // ascend as scores descend
    for (int id = 0; id < keys.length; id++) {
      keys[id] = 0.0f - scores[id]; // 0 for both 0 and -0, which are equal but sort apart
    }
    float[] sorted = keys.clone();
    Arrays.sort(sorted);
    int distinct = 0;
    for (int i = 0; i < sorted.length; i++) {
      if (i == 0 || sorted[i] != sorted[i - 1]) {
        sorted[distinct++] = sorted[i];
      }
    }
    int[] ranks = new int[scores.length];
    for (int id = 0; id < ranks.length; id++) {
      ranks[id] = Arrays.binarySearch(sorted, 0, distinct, keys[id]);
    }
    return ranks;
  }
}
