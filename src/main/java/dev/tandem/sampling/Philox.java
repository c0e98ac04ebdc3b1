package dev.tandem.sampling;

/**
 * Philox4x32-10: four random words from a counter of four words and a key of two.
 *
 * <p>Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
 * and its library Random123, whose known answers are among the tests.
 */
final class Philox {
  private static final long M0 = 0xD2511F53L;
  private static final long M1 = 0xCD9E8D57L;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;
  private static final int ROUNDS = 10;
  private static final long WORD = 0xFFFFFFFFL;

  private Philox() {}

  /** Writes the four words of counter (c0, c1, c2, c3) under key (k0, k1) to {@code out[0..3]}. */
  static void block(int c0, int c1, int c2, int c3, int k0, int k1, int[] out) {
    for (int round = 0; round < ROUNDS; round++) {
      long p0 = M0 * (c0 & WORD);
      long p1 = M1 * (c2 & WORD);
      c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      c1 = (int) p1;
      c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c3 = (int) p0;
      k0 += W0;
      k1 += W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
  }

  /**
   * Computes many blocks at once, in loops that the virtual machine turns into vector instructions.
   *
   * <p>Each word is kept in a long whose upper half is zero, so that a product has room.
   */
  static final class Run {
    /** Blocks of a run. */
    static final int BLOCKS = 256;

    private final long[] c0 = new long[BLOCKS];
    private final long[] c1 = new long[BLOCKS];
    private final long[] c2 = new long[BLOCKS];
    private final long[] c3 = new long[BLOCKS];

    /** Computes the blocks of the counters (c0, c1, first + i, 0). */
    void compute(int c0, int c1, int first, int k0, int k1) {
      for (int i = 0; i < BLOCKS; i++) {
        this.c0[i] = c0 & WORD;
        this.c1[i] = c1 & WORD;
        this.c2[i] = (first + i) & WORD;
        this.c3[i] = 0;
      }
      for (int round = 0; round < ROUNDS; round++) {
        round(this.c0, this.c1, this.c2, this.c3, k0 & WORD, k1 & WORD);
        k0 += W0;
        k1 += W1;
      }
    }

    private static void round(long[] c0, long[] c1, long[] c2, long[] c3, long k0, long k1) {
      for (int i = 0; i < BLOCKS; i++) {
        long p0 = M0 * c0[i];
        long p1 = M1 * c2[i];
        c0[i] = (p1 >>> 32) ^ c1[i] ^ k0;
        c1[i] = p1 & WORD;
        c2[i] = (p0 >>> 32) ^ c3[i] ^ k1;
        c3[i] = p0 & WORD;
      }
    }

    /** Whether any word of a block, as an unsigned number, is at least {@code least}. */
    boolean reaches(int block, long least) {
      return c0[block] >= least || c1[block] >= least || c2[block] >= least || c3[block] >= least;
    }

    /** Word {@code word} (0..3) of block {@code block} of the run. */
    int word(int block, int word) {
      return (int)
          (switch (word) {
                case 0 -> c0;
                case 1 -> c1;
                case 2 -> c2;
                default -> c3;
              })
              [block];
    }
  }
}
