package dev.tandem.sampling;

import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.nio.FloatBuffer;

/**
 * Draws exactly as llama2.c's {@code run.c}: the same xorshift* stream, f32 softmax and inverse-CDF
 * draw. {@code expf} is correctly rounded here; C libraries do not promise this.
 */
final class Llama2cSampler implements Sampler {
  private final int vocabSize;
  private final int[] never;
  private final float temperature;
  private final float topP;
  private final float[] probabilities;
  private final KeyHeap heap;
  private final XorShift random;

  Llama2cSampler(SamplingOptions options, int vocabSize, int[] never) {
    requireOnlyWhatLlama2cHas(options);
    this.vocabSize = vocabSize;
    this.never = never;
    temperature = (float) options.temperature();
    topP = (float) options.topP();
    random = new XorShift(options.seed());
    probabilities = new float[vocabSize];
    heap = new KeyHeap(vocabSize);
  }

  private static void requireOnlyWhatLlama2cHas(SamplingOptions options) {
    SamplingOptions same =
        SamplingOptions.builder()
            .temperature(options.temperature())
            .topP(options.topP())
            .rng(Rng.LLAMA2C)
            .seed(options.seed())
            .build();
    if (!options.equals(same)) {
      throw new IllegalArgumentException(
          "llama2.c's generator supports only temperature, top-p and seed: leave out top-k, min-p,"
              + " penalties and logit bias, or use the philox generator");
    }
    if (options.seed() == 0) {
      throw new IllegalArgumentException("llama2.c's generator needs a seed other than 0");
    }
    if (options.temperature() != 0 && (float) options.temperature() == 0) {
      throw new IllegalArgumentException("temperature vanishes in f32: " + options.temperature());
    }
  }

  @Override
  public int sample(FloatBuffer source, int offset, int position) {
    source.get(offset, probabilities, 0, vocabSize);
    for (int id : never) {
      probabilities[id] = Float.NEGATIVE_INFINITY;
    }
    int best = Argmax.of(probabilities);
    if (best == NO_TOKEN || temperature == 0) {
      return best;
    }
    if (!(softmax() < Float.POSITIVE_INFINITY)) { // NaN after a NaN or infinite logit
      return NO_TOKEN;
    }
    float coin = random.nextFloat();
    return topP <= 0 || topP >= 1 ? drawFromAll(coin, best) : drawFromTopP(coin, best);
  }

  /** Computes logits / temperature, then softmax, in place; returns the sum of the exponentials. */
  private float softmax() {
    float[] x = probabilities;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabSize; i++) {
      x[i] /= temperature;
      max = x[i] > max ? x[i] : max;
    }
    float sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      x[i] = (float) StrictMath.exp(x[i] - max);
      sum += x[i];
    }
    for (int i = 0; i < vocabSize; i++) {
      x[i] /= sum;
    }
    return sum;
  }

  private int drawFromAll(float coin, int best) {
    float cdf = 0;
    for (int id = 0; id < vocabSize; id++) {
      cdf += probabilities[id];
      if (coin < cdf) {
        return id;
      }
    }
    return never.length == 0 ? vocabSize - 1 : best; // in case of rounding
  }

  private int drawFromTopP(float coin, int best) {
    // A token with less probability cannot be among the top p: the tokens above it already reach p.
    float cutoff = (1 - topP) / (vocabSize - 1);
    heap.clear();
    for (int id = 0; id < vocabSize; id++) {
      if (probabilities[id] >= cutoff) {
        heap.append(KeyHeap.key(probabilities[id], id));
      }
    }
    int n = heap.size();
    if (n == 0) { // top-p below 1 / vocabSize; run.c would read outside its array
      return best;
    }
    heap.heapify();
    float cumulative = 0;
    while (heap.size() > 0 && !(cumulative > topP)) {
      cumulative += KeyHeap.value(heap.pop());
    }
    float r = coin * cumulative;
    float cdf = 0;
    int last = heap.size();
    for (int i = n - 1; i > last; i--) {
      cdf += KeyHeap.value(heap.popped(i));
      if (r < cdf) {
        return KeyHeap.id(heap.popped(i));
      }
    }
    return KeyHeap.id(heap.popped(last));
  }

  @Override
  public void acceptPrompt(int id) {
    // llama2.c has no penalties
  }

  @Override
  public void accept(int id) {
    // llama2.c has no penalties
  }

  @Override
  public void forget(int id) {
    throw new IllegalStateException("llama2.c's stream of random numbers cannot go back");
  }
}
