package dev.tandem.split;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Every pair of values is there, with far fewer combinations than there are. */
class PairsTest {
  private static final int[] SIZES = {2, 6, 5, 3, 3, 3, 5, 2};

  private static Set<String> pairs(List<int[]> combinations) {
    Set<String> pairs = new HashSet<>();
    for (int[] values : combinations) {
      for (int a = 0; a < values.length; a++) {
        for (int b = a + 1; b < values.length; b++) {
          pairs.add(a + "=" + values[a] + " " + b + "=" + values[b]);
        }
      }
    }
    return pairs;
  }

  @Test
  void everyPairOccurs() {
    List<int[]> all = Pairs.all(SIZES);
    assertThat(all).hasSize(2 * 6 * 5 * 3 * 3 * 3 * 5 * 2).doesNotHaveDuplicates();
    List<int[]> chosen = Pairs.of(1, SIZES);
    assertThat(pairs(chosen)).isEqualTo(pairs(all));
    assertThat(chosen).hasSizeLessThan(60);
    assertThat(pairs(chosen.subList(0, 20))).isNotEqualTo(pairs(all)); // the check can fail
  }

  @Test
  void theSeedDecides() {
    assertThat(Pairs.of(7, 3, 3, 3))
        .usingElementComparator(Arrays::compare)
        .isEqualTo(Pairs.of(7, 3, 3, 3));
  }
}
