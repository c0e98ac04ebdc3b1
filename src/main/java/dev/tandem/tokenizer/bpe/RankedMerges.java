package dev.tandem.tokenizer.bpe;

import java.util.Map;

/** Merges in the order of a file's list; each makes one token of two. */
public final class RankedMerges {
  private final String file;
  private final String item;
  private final Map<String, Integer> ids;
  private final MergeTable table;
  private int rank;

  /**
   * Creates an empty list of merges.
   *
   * @param file for messages
   * @param item the file's word for a numbered item, such as {@code line}
   * @param ids the ids of the tokens
   */
  public RankedMerges(String file, String item, Map<String, Integer> ids, int expectedSize) {
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
  public void add(int number, String left, String right) throws TokenizerFormatException {
    int leftId = idOf(number, left);
    int rightId = idOf(number, right);
    if (!table.add(leftId, rightId, rank++, idOf(number, left + right))) {
      throw new TokenizerFormatException(
          file + " " + item + " " + number, "a new pair", "a pair that is already listed");
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

  /** All merges that were added. */
  public MergeTable table() {
    return table;
  }
}
