package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.TokenLogprob;
import java.nio.FloatBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogprobsTest {
  private static final int VOCABULARY = 300;

  private static FloatBuffer logits(long seed) {
    Random random = new Random(seed);
    float[] logits = new float[VOCABULARY + 7];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = Math.round(random.nextGaussian() * 40) / 4f; // so that some are equal
    }
    return FloatBuffer.wrap(logits);
  }

  /** The definition, with everything sorted. */
  private static List<TokenLogprob> all(FloatBuffer logits, int offset) {
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      sum += Math.exp((double) logits.get(offset + i));
    }
    double logSum = Math.log(sum);
    return IntStream.range(0, VOCABULARY)
        .mapToObj(i -> new TokenLogprob(i, logits.get(offset + i) - logSum))
        .sorted(
            Comparator.comparingDouble(TokenLogprob::logprob)
                .reversed()
                .thenComparingInt(TokenLogprob::id))
        .toList();
  }

  @Test
  void areThoseOfTheSoftmax() {
    for (long seed = 0; seed < 20; seed++) {
      FloatBuffer logits = logits(seed);
      int offset = (int) (seed % 7);
      List<TokenLogprob> expected = all(logits, offset);
      for (int n : new int[] {0, 1, 5, VOCABULARY, Integer.MAX_VALUE}) {
        int id = (int) (17 * seed % VOCABULARY);
        GeneratedToken token = new Logprobs(VOCABULARY, n).of(logits, offset, id);
        assertThat(token.id()).isEqualTo(id);
        assertThat(token.top()).hasSize(Math.min(n, VOCABULARY));
        for (int i = 0; i < token.top().size(); i++) {
          assertThat(token.top().get(i).id()).as("seed %d", seed).isEqualTo(expected.get(i).id());
          assertThat(token.top().get(i).logprob())
              .isCloseTo(expected.get(i).logprob(), within(1e-9));
        }
        double chosen =
            expected.stream().filter(each -> each.id() == id).findFirst().orElseThrow().logprob();
        assertThat(token.logprob()).isCloseTo(chosen, within(1e-9));
      }
    }
  }

  @Test
  void whatCannotBeDrawnHasNone() {
    FloatBuffer logits = FloatBuffer.wrap(new float[] {1, Float.NaN, Float.NEGATIVE_INFINITY, 1});
    GeneratedToken token = new Logprobs(4, 4).of(logits, 0, 1);
    assertThat(token.logprob()).isNegative().isInfinite();
    assertThat(token.top().stream().map(TokenLogprob::id)).containsExactly(0, 3, 1, 2);
    assertThat(token.top().get(0).logprob()).isCloseTo(Math.log(0.5), within(1e-12));
  }
}
