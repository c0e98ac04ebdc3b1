package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The comparator of the exactness tests must itself be able to fail. */
class BitsTest {
  private static final float[] A = {1, 2, 3};
  private static final float[] B = {4, 5, 6};

  @Test
  void equalRowsDoNotDiffer() {
    assertThat(Bits.firstDifference(List.of(A, B), List.of(A.clone(), B.clone()))).isEmpty();
  }

  @Test
  void rejectsZeros() {
    assertThat(Bits.firstDifference(List.of(A), List.of(new float[3]))).contains("column 0");
  }

  @Test
  void rejectsSwappedRows() {
    assertThat(Bits.firstDifference(List.of(A, B), List.of(B, A))).contains("row 0");
  }

  @Test
  void rejectsTheLastBit() {
    float[] almost = {1, 2, Math.nextUp(3f)};
    assertThat(Bits.firstDifference(List.of(A), List.of(almost))).contains("column 2");
  }

  @Test
  void rejectsNegativeZero() {
    assertThat(Bits.firstDifference(List.of(new float[] {0f}), List.of(new float[] {-0f})))
        .isNotEmpty();
  }

  @Test
  void rejectsNothingAndMissingRows() {
    assertThat(Bits.firstDifference(List.of(), List.of())).isNotEmpty();
    assertThat(Bits.firstDifference(List.of(A, B), List.of(A))).isNotEmpty();
  }
}
