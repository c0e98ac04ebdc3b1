package dev.tandem.tokenizer.files;

import dev.tandem.tokenizer.MergeTable;
import dev.tandem.tokenizer.TokenizerFormatException;
import java.util.Map;

/** Merges that a file lists, the first one first: each of two tokens, into a third. */
final class RankedMerges {
  private final String file;
  private final String item;
  private final Map<String, Integer> ids;
  private final MergeTable table;
  private int rank;

  /**
   * No merges yet.
   *
   * @param file for messages
   * @param item what the file counts: {@code line}
   * @param ids of the tokens
   */
  RankedMerges(String file, String item, Map<String, Integer> ids, int expectedSize) {
    this.file = file;
    this.item = item;
    this.ids = ids;
    table = new MergeTable(expectedSize);
  }

  /**
   * Adds the next merge.
   *
   * @param number the item's, for messages
   * @throws TokenizerFormatException if one of the three tokens is missing, or the pair is not new
   */
  void add(int number, String left, String right) throws TokenizerFormatException {
    int leftId = idOf(number, left);
    int rightId = idOf(number, right);
    if (!table.add(leftId, rightId, rank++, idOf(number, left + right))) {
      throw new TokenizerFormatException(
          file + " " + item + " " + number, "a new pair", "the pair of an earlier one");
    }
  }

  private int idOf(int number, String token) throws TokenizerFormatException {
    Integer id = ids.get(token);
    if (id == null) {
      throw new TokenizerFormatException(
          file + " " + item + " " + number, "tokens of the vocabulary", Quote.of(token));
    }
    return id;
  }

  MergeTable table() {
    return table;
  }
}
