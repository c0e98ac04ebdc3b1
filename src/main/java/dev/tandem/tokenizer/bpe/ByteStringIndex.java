package dev.tandem.tokenizer.bpe;

import java.util.Arrays;

/**
 * Finds ids by their bytes: an open-addressing hash table with a polynomial hash, so that the hash
 * of any substring follows from the hashes of its prefixes ({@link #prefixHashes}).
 */
final class ByteStringIndex {
  private static final long BASE = 0x9E3779B97F4A7C15L; // odd: keeps all 64 bits
  private static final int EMPTY = -1;

  private final byte[][] strings;
  private final long[] powers; // BASE^i, up to the longest string
  private final int[] ids; // by slot

  /**
   * Indexes {@code strings[firstId..]}; the least id for equal strings. Empty strings are left out.
   */
  public ByteStringIndex(byte[][] strings, int firstId) {
    this.strings = strings;
    int longest = 0;
    for (int id = firstId; id < strings.length; id++) {
      longest = Math.max(longest, strings[id].length);
    }
    powers = new long[longest + 1];
    powers[0] = 1;
    for (int i = 1; i <= longest; i++) {
      powers[i] = powers[i - 1] * BASE;
    }
    ids = new int[Integer.highestOneBit(Math.max(strings.length, 8)) << 2];
    Arrays.fill(ids, EMPTY);
    for (int id = firstId; id < strings.length; id++) {
      byte[] string = strings[id];
      if (string.length > 0) {
        int slot = slotOf(hash(string, 0, string.length), string, 0, string.length);
        if (ids[slot] == EMPTY) {
          ids[slot] = id;
        }
      }
    }
  }

  /** The id of {@code bytes[start..end)}, or -1. */
  public int find(byte[] bytes, int start, int end) {
    return ids[slotOf(hash(bytes, start, end), bytes, start, end)];
  }

  /**
   * The id of {@code bytes[start..end)}, or -1, from {@code prefixHashes(bytes)}.
   *
   * @param bytes no longer than the longest string of the index
   */
  public int find(byte[] bytes, int start, int end, long[] prefixHashes) {
    long hash = prefixHashes[end] - prefixHashes[start] * powers[end - start];
    return ids[slotOf(hash, bytes, start, end)];
  }

  /** The hash of each prefix; index = its length. */
  public static long[] prefixHashes(byte[] bytes) {
    long[] hashes = new long[bytes.length + 1];
    for (int i = 0; i < bytes.length; i++) {
      hashes[i + 1] = step(hashes[i], bytes[i]);
    }
    return hashes;
  }

  private static long hash(byte[] bytes, int start, int end) {
    long hash = 0;
    for (int i = start; i < end; i++) {
      hash = step(hash, bytes[i]);
    }
    return hash;
  }

  private static long step(long hash, byte next) {
    return hash * BASE + (next & 0xFF) + 1; // + 1, so that a zero byte counts
  }

  private int slotOf(long hash, byte[] bytes, int start, int end) {
    int mask = ids.length - 1;
    int slot = (int) (((hash ^ (hash >>> 29)) * BASE) >>> 32) & mask;
    while (ids[slot] != EMPTY) {
      byte[] string = strings[ids[slot]];
      if (Arrays.equals(string, 0, string.length, bytes, start, end)) {
        break;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
