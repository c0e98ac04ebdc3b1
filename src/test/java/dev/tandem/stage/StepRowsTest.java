package dev.tandem.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepRowsTest {

  @ParameterizedTest
  @CsvSource({
    "-1,1,0,1",
    "0,0,0,0",
    "0,-1,0,0",
    "2147483647,1,0,1",
    "2147483640,8,0,1",
    "0,4,-1,1",
    "0,4,0,5",
    "0,4,4,1",
    "0,4,2,-1",
    "0,4,2147483647,2147483647",
    "0,4,3,2"
  })
  void rowsThatCannotBeAreRefused(int position, int count, int from, int nOut) {
    for (RowKind kind : RowKind.values()) {
      assertThatThrownBy(() -> new StepRows(position, count, kind, false, from, nOut))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(
              () -> new Batch().add(sequence(), position, count, kind, false, from, nOut))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** However rows are cut, the pieces are the rows: each once, output rows where they were. */
  @Test
  void piecesAreTheWhole() {
    long seed = 7;
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      int count = 1 + random.nextInt(40);
      int nOut = random.nextInt(count + 1);
      int from = random.nextInt(count - nOut + 1);
      int chunkRows = 1 + random.nextInt(12);
      boolean end = random.nextBoolean();
      StepRows rows = StepRows.prompt(random.nextInt(50), count, end, from, nOut);
      BitSet seen = new BitSet();
      int at = 0;
      while (at < count) {
        int n = rows.leftInChunk(at, chunkRows);
        StepRows piece = rows.cut(at, n);
        assertThat(piece.position()).isEqualTo(rows.position() + at);
        assertThat(piece.position() / chunkRows).isEqualTo((piece.end() - 1) / chunkRows);
        seen.set(at + piece.outBegin(), at + piece.outBegin() + piece.nOut());
        at += n;
        assertThat(piece.promptEnd()).isEqualTo(end && at == count);
        assertThat(at == count || piece.end() % chunkRows == 0).isTrue();
      }
      assertThat(at).isEqualTo(count);
      assertThat(seen.cardinality()).as("seed %d, %s", seed, rows).isEqualTo(nOut);
      assertThat(nOut == 0 || seen.nextSetBit(0) == from).isTrue();
      assertThat(nOut == 0 || seen.length() == from + nOut).isTrue();
    }
  }

  @Test
  void aBatchGivesBackWhatWasAdded() {
    Batch batch = new Batch();
    StepRows rows = StepRows.prompt(3, 7, true, 2, 4);
    batch.add(sequence(), StepRows.generated(1, 2, 1));
    batch.add(sequence(), rows);
    assertThat(batch.rows(0)).isEqualTo(new StepRows(1, 2, RowKind.GENERATED, false, 1, 1));
    assertThat(batch.rows(1)).isEqualTo(rows);
    assertThat(batch.totalRows()).isEqualTo(9);
    assertThat(batch.totalOut()).isEqualTo(5);
  }

  private static Sequence sequence() {
    return new Sequence() {
      @Override
      public int length() {
        return 0;
      }

      @Override
      public int capacity() {
        return 0;
      }

      @Override
      public void close() {}
    };
  }
}
