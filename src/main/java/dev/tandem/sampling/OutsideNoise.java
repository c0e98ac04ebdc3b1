package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import java.util.function.IntPredicate;

/** The noise of one position: of single ids, and a search among all. */
final class OutsideNoise {
  private final int vocabSize;
  private final int seedLow;
  private final int seedHigh;
  private final int[] words = new int[PhiloxSampler.WORDS];
  private final Philox.Run run = new Philox.Run();
  private int position;

  OutsideNoise(SamplingOptions options, int vocabSize) {
    this.vocabSize = vocabSize;
    seedLow = (int) options.seed();
    seedHigh = (int) (options.seed() >>> 32);
  }

  void begin(int atPosition) {
    position = atPosition;
  }

  /** G of an id. */
  double of(int id) {
    int block = id / PhiloxSampler.WORDS;
    Philox.block(position, PhiloxSampler.CHOICE, block, 0, seedLow, seedHigh, words);
    return Gumbel.noise(words[id % PhiloxSampler.WORDS]);
  }

  /** Whether {@code scaled + G} reaches {@code winning} for any id that counts. */
  boolean lifts(double scaled, double winning, IntPredicate counts) {
    if (scaled + Gumbel.MAX < winning) {
      return false;
    }
    long least = Gumbel.leastWord(winning, scaled);
    for (int begin = 0; begin < vocabSize; begin += PhiloxSampler.RUN_IDS) {
      int end = Math.min(begin + PhiloxSampler.RUN_IDS, vocabSize);
      run.compute(position, PhiloxSampler.CHOICE, begin / PhiloxSampler.WORDS, seedLow, seedHigh);
      for (int id = begin; id < end; id += PhiloxSampler.WORDS) {
        int block = (id - begin) / PhiloxSampler.WORDS;
        if (run.reaches(block, least) && lifts(scaled, winning, counts, block, id, end)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean lifts(
      double scaled, double winning, IntPredicate counts, int block, int first, int end) {
    for (int id = first; id < Math.min(first + PhiloxSampler.WORDS, end); id++) {
      int word = run.word(block, id - first);
      if (counts.test(id)
          && scaled + Gumbel.upperBound(word) >= winning
          && scaled + Gumbel.noise(word) >= winning) {
        return true;
      }
    }
    return false;
  }
}
