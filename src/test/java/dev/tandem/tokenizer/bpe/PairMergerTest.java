package dev.tandem.tokenizer.bpe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tokenizer.files.TestTokenizers;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairMergerTest {
  @Test
  void mergesTheLeftmostOfEqualPairs() {
    MergeTable table = new MergeTable(1);
    table.add(0, 0, 0, 1);
    assertThat(merged(false, table, 0, 0, 0)).containsExactly(1, 0);
    assertThat(merged(true, table, 0, 0, 0)).containsExactly(1, 0);
    assertThat(merged(true, table, 0, 0, 0, 0, 0)).containsExactly(1, 1, 0);
  }

  @Test
  void aMergeMayEnableOneOfLessPriority() {
    MergeTable table = new MergeTable(1);
    table.add(0, 0, 5, 1);
    table.add(1, 0, 2, 3);
    table.add(3, 0, 0, 4);
    assertThat(merged(false, table, 0, 0, 0, 0)).containsExactly(4);
    assertThat(merged(true, table, 0, 0, 0, 0)).containsExactly(4);
  }

  @Test
  void nothingToMerge() {
    MergeTable table = new MergeTable(1);
    for (boolean heap : new boolean[] {false, true}) {
      assertThat(merged(heap, table)).isEmpty();
      assertThat(merged(heap, table, 7)).containsExactly(7);
      assertThat(merged(heap, table, 7, 8)).containsExactly(7, 8);
    }
  }

  /** Any table, also ones that no training would give; few priorities, so that ties decide. */
  @Test
  void heapAndScanAgreeOnRandomTables() {
    long seed = 20_240_107;
    Random random = new Random(seed);
    int rounds = TestTokenizers.LONG ? 100_000 : 10_000;
    for (int round = 0; round < rounds; round++) {
      int nSymbols = 2 + random.nextInt(12);
      MergeTable table = new MergeTable(1);
      for (int i = random.nextInt(60); i > 0; i--) {
        table.add(
            random.nextInt(nSymbols),
            random.nextInt(nSymbols),
            random.nextInt(1 + round % 20),
            random.nextInt(nSymbols));
      }
      int[] symbols = random.ints(random.nextInt(120), 0, nSymbols).toArray();
      assertThat(merged(true, table, symbols))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(merged(false, table, symbols));
    }
  }

  private static int[] merged(boolean heap, MergeTable table, int... symbols) {
    int[] copy = symbols.clone();
    int count =
        heap
            ? PairMerger.heap(copy, copy.length, table)
            : PairMerger.scan(copy, copy.length, table);
    return Arrays.copyOf(copy, count);
  }
}
