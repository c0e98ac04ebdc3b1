package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The best logits of a row against a sort, and its sums against doubles. */
class TopSelectionTest {
  private static final long SEED = 3;
  private static final double[] TEMPERATURES = {1, 0.3, 2, 1e-30};

  private static float read(float logit) {
    return Float.isNaN(logit) ? Float.NEGATIVE_INFINITY : logit;
  }

  @ParameterizedTest
  @EnumSource(LogitMaker.Shape.class)
  void entriesAndSumsAreThoseOfTheRow(LogitMaker.Shape shape) {
    Random random = new Random(SEED);
    for (int vocab : new int[] {1, 2, 63, 1024, 1025, 5003}) {
      for (int k : new int[] {1, 2, 64, 1024}) {
        float[] row = LogitMaker.make(shape, vocab, random);
        check(row, new TopSelection(vocab, k, TEMPERATURES).of(LogitMaker.direct(row, 2), 2), k);
      }
    }
  }

  private static void check(float[] row, TopLogits top, int k) {
    List<Integer> ranked =
        IntStream.range(0, row.length)
            .boxed()
            .sorted(
                Comparator.comparing((Integer id) -> read(row[id]) + 0.0f)
                    .reversed()
                    .thenComparing(id -> id))
            .collect(Collectors.toList());
    assertThat(top.size()).isEqualTo(Math.min(k, row.length));
    for (int i = 0; i < top.size(); i++) {
      assertThat(top.id(i)).as("seed %d, entry %d", SEED, i).isEqualTo(ranked.get(i));
      assertThat(Float.floatToRawIntBits(top.logit(i)))
          .isEqualTo(Float.floatToRawIntBits(read(row[top.id(i)])));
    }
    double best = Math.min(read(row[ranked.get(0)]), Float.MAX_VALUE);
    for (double temperature : TEMPERATURES) {
      double sum = 0;
      for (float logit : row) {
        sum += Math.exp((Math.min(read(logit), Float.MAX_VALUE) - best) / temperature);
      }
      double expected = best == Float.NEGATIVE_INFINITY ? best : best / temperature + Math.log(sum);
      double actual = top.logSum(temperature);
      if (Double.isInfinite(expected)) {
        assertThat(actual).isEqualTo(expected);
      } else {
        assertThat(actual).isCloseTo(expected, within(TopLogits.logSumError(expected)));
      }
    }
  }

  @Test
  void infinitiesAndNansCountAsTheSpecificationSays() {
    float[] row = new float[3000];
    Arrays.fill(row, 1);
    row[7] = Float.NaN;
    row[2500] = Float.POSITIVE_INFINITY;
    row[2600] = Float.NEGATIVE_INFINITY;
    check(row, new TopSelection(3000, 4, TEMPERATURES).of(LogitMaker.direct(row, 0), 0), 4);
    Arrays.fill(row, Float.NaN);
    TopLogits top = new TopSelection(3000, 4, TEMPERATURES).of(LogitMaker.direct(row, 0), 0);
    assertThat(top.logit(0)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(top.logSum(1)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(top.logSum(0.9)).isNaN();
  }

  @Test
  void entriesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> top(new int[] {1, 1}, 2, 1)).hasMessageContaining("occurs twice");
    assertThatThrownBy(() -> top(new int[] {1, 2}, 1, 2)).hasMessageContaining("out of order");
    assertThatThrownBy(() -> top(new int[] {2, 1}, 1, 1)).hasMessageContaining("out of order");
    assertThatThrownBy(() -> top(new int[] {1, 9}, 2, 1)).hasMessageContaining("not in 0..8");
    assertThatThrownBy(() -> top(new int[] {1}, 2, 1)).hasMessageContaining("1 ids of 2");
    assertThat(top(new int[] {1, 2}, 1, 1).size()).isEqualTo(2);
  }

  private static TopLogits top(int[] ids, float... logits) {
    return new TopLogits(9, ids, logits, new double[0], new double[0]);
  }
}
