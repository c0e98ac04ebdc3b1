package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.GenerationTimings;
import dev.tandem.sampling.Sampler;
import dev.tandem.sampling.Samplers;
import dev.tandem.settings.Output;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The loop over a toy model, whatever stages it is cut into. */
class GeneratorTest {
  private static final ToyModel MODEL = new ToyModel(4, 61, 3000);
  private static final ToyTokenizer WORDS = ToyTokenizer.words(61);
  private static final SamplingOptions SAMPLING =
      SamplingOptions.builder().seed(5).repeatPenalty(1.3).frequencyPenalty(0.1).build();

  /** Cut points: {0, 4} is one stage of four blocks; -1 puts the head into a stage of its own. */
  private static final int[][] CHAINS = {
    {0, 4}, {0, 1, 4}, {0, 4, -1}, {0, 2, 4, -1}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4, -1}
  };

  private static List<ToyStage> chain(ToyModel model, int chunkRows, int... cuts) {
    List<ToyStage> stages = new ArrayList<>();
    for (int i = 1; i < cuts.length; i++) {
      Output output = i == cuts.length - 1 ? Output.LOGITS : Output.HIDDEN;
      Span span = new Span(cuts[i - 1], Math.max(cuts[i], cuts[i - 1]), output);
      stages.add(new ToyStage(model, span, chunkRows));
    }
    return stages;
  }

  private static List<ToyStage> whole(ToyModel model) {
    return chain(model, 16, 0, model.nLayers());
  }

  private static Generator generator(List<ToyStage> stages, ToyModel model, ToyTokenizer words) {
    return new Generator(new ArrayList<Stage>(stages), model.embedder(), words);
  }

  private static int[] prompt(int length) {
    return new Random(length).ints(length, 0, MODEL.vocabSize()).toArray();
  }

  private static GenerationRequest request(int[] prompt, int maxTokens) {
    return GenerationRequest.of(prompt).sampling(SAMPLING).maxTokens(maxTokens);
  }

  /** What the model says when everything is recomputed for each token. */
  private static int[] recomputed(int[] prompt, int maxTokens) {
    List<Integer> ids =
        Arrays.stream(prompt).boxed().collect(Collectors.toCollection(ArrayList::new));
    Sampler sampler = Samplers.of(SAMPLING, MODEL.vocabSize());
    ids.forEach(sampler::acceptPrompt);
    for (int i = 0; i < maxTokens; i++) {
      int id = sampler.sample(FloatBuffer.wrap(MODEL.logits(ids)), 0, ids.size());
      sampler.accept(id);
      ids.add(id);
    }
    return ids.subList(prompt.length, ids.size()).stream().mapToInt(i -> i).toArray();
  }

  @Test
  void anyChainSaysWhatRecomputingSays() throws Exception {
    for (int length : new int[] {1, 2, 15, 16, 17, 40, 1023, 1024, 1025, 2500}) {
      int[] expected = recomputed(prompt(length), 20);
      for (int[] cuts : CHAINS) {
        for (int chunkRows : new int[] {16, 256, 2000}) {
          List<ToyStage> stages = chain(MODEL, chunkRows, cuts);
          GenerationResult result =
              generator(stages, MODEL, WORDS).run(request(prompt(length), 20), TokenSink.NONE);
          assertThat(result.ids())
              .as("prompt of %d, cuts %s, C = %d", length, Arrays.toString(cuts), chunkRows)
              .isEqualTo(expected);
          assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
          assertThat(stages).allMatch(stage -> stage.open == 0);
        }
      }
    }
  }

  @Test
  void comparisonNoticesAWrongPositionOrALostRow() throws Exception {
    int[] prompt = prompt(40);
    int[] expected = recomputed(prompt, 20);
    Embedder shifted =
        (ids, from, to, position, out) -> MODEL.embedder().embed(ids, from, to, position + 1, out);
    List<Stage> stages = new ArrayList<>(whole(MODEL));
    assertThat(new Generator(stages, shifted, WORDS).run(request(prompt, 20), TokenSink.NONE).ids())
        .isNotEqualTo(expected);
    int[] shorter = Arrays.copyOfRange(prompt, 1, 40);
    assertThat(recomputed(shorter, 20)).isNotEqualTo(expected);
    prompt[20] = (prompt[20] + 1) % MODEL.vocabSize();
    assertThat(recomputed(prompt, 20)).isNotEqualTo(expected);
  }

  @Test
  void promptsAreCutAtMultiplesOfC() throws Exception {
    List<ToyStage> stages = chain(MODEL, 48, 0, 2, 4, -1);
    generator(stages, MODEL, WORDS).run(request(prompt(2100), 3), TokenSink.NONE);
    List<String> expected =
        List.of(
            "PROMPT 0+1008",
            "PROMPT 1008+1008",
            "PROMPT 2016+84 end",
            "GENERATED 2100+1",
            "GENERATED 2101+1");
    assertThat(stages.get(0).steps).isEqualTo(expected);
    assertThat(stages.get(1).steps).isEqualTo(expected);
    assertThat(stages.get(2).steps)
        .containsExactly("PROMPT 0+1 end", "GENERATED 0+1", "GENERATED 0+1");
    assertThat(stages.get(0).capacity).isEqualTo(2103);
    assertThat(stages.get(2).capacity).isEqualTo(1);
  }

  @Test
  void oneGeneratorServesManyRequests() throws Exception {
    Generator generator = generator(chain(MODEL, 16, 0, 1, 4, -1), MODEL, WORDS);
    for (int length : new int[] {5, 1100, 3}) {
      assertThat(generator.run(request(prompt(length), 9), TokenSink.NONE).ids())
          .isEqualTo(recomputed(prompt(length), 9));
    }
  }

  @Test
  void listenerHearsIdsAndText() throws Exception {
    List<Integer> ids = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    TokenSink listener =
        new TokenSink() {
          @Override
          public void token(int id, @Nullable GeneratedToken details) {
            ids.add(id);
          }

          @Override
          public void text(String piece) {
            assertThat(piece).isNotEmpty();
            text.append(piece);
          }
        };
    GenerationResult result =
        generator(whole(MODEL), MODEL, WORDS).run(request(prompt(4), 12), listener);
    assertThat(ids).isEqualTo(boxed(result.ids()));
    // the leading space stays, since the prompt came before
    String expected = ids.stream().map(id -> " a" + id).collect(Collectors.joining());
    assertThat(result.text()).isEqualTo(expected);
    assertThat(text.toString()).isEqualTo(expected);
    assertThat(result.promptIds()).isEqualTo(prompt(4));
    assertThat(result.seed()).isEqualTo(5);
  }

  @Test
  void stopsAtStopIdsUnlessToldNotTo() throws Exception {
    int[] expected = recomputed(prompt(6), 30);
    int stop = expected[9];
    int first = boxed(expected).indexOf(stop);
    ToyTokenizer tokenizer = ToyTokenizer.words(61, stop);
    GenerationResult result =
        generator(whole(MODEL), MODEL, tokenizer).run(request(prompt(6), 30), TokenSink.NONE);
    assertThat(result.ids()).isEqualTo(Arrays.copyOf(expected, first));
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.timings().drawnTokens()).isEqualTo(first + 1);

    GenerationRequest ignoring =
        GenerationRequest.of(prompt(6)).sampling(SAMPLING).maxTokens(30).ignoreEos(true);
    assertThat(generator(whole(MODEL), MODEL, tokenizer).run(ignoring, TokenSink.NONE).ids())
        .isEqualTo(expected);
  }

  @Test
  void stopsAtAStringThatStraddlesTokens() throws Exception {
    int[] expected = recomputed(prompt(6), 30);
    String straddling = expected[4] + " a" + expected[5] + " a";
    GenerationRequest request =
        GenerationRequest.of(prompt(6))
            .sampling(SAMPLING)
            .stopStrings(List.of("nothing", straddling));
    GenerationResult result = generator(whole(MODEL), MODEL, WORDS).run(request, TokenSink.NONE);
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.ids()).isEqualTo(Arrays.copyOf(expected, 6));
    assertThat(result.text())
        .isEqualTo(
            IntStream.range(0, 4).mapToObj(i -> " a" + expected[i]).collect(Collectors.joining())
                + " a");
  }

  @Test
  void endsWithTheContext() throws Exception {
    ToyModel small = new ToyModel(4, 61, 20);
    for (int length : new int[] {18, 19, 20}) {
      List<ToyStage> stages = chain(small, 16, 0, 2, 4);
      GenerationResult result =
          generator(stages, small, WORDS).run(request(prompt(length), 100), TokenSink.NONE);
      assertThat(result.ids()).isEqualTo(recomputed(prompt(length), 21 - length));
      assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(stages.get(0).capacity).isEqualTo(20);
    }
    assertRefused(small, request(prompt(21), 1), "21 tokens", "only 20");
  }

  @Test
  void drawsNothingWhenNothingIsWanted() throws Exception {
    List<ToyStage> stages = whole(MODEL);
    GenerationResult result =
        generator(stages, MODEL, WORDS).run(request(prompt(20), 0), TokenSink.NONE);
    assertThat(result.ids()).isEmpty();
    assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(stages.get(0).steps).containsExactly("PROMPT 0+20 end");
  }

  @Test
  void refusesWhatCannotWork() {
    assertRefused(MODEL, request(new int[0], 1), "no tokens");
    assertRefused(MODEL, request(new int[] {1, 61}, 1), "token id 61", "0 to 60");
    assertRefused(MODEL, request(new int[] {-1}, 1), "token id -1");
    SamplingOptions biased = SAMPLING.toBuilder().logitBias(Map.of(61, 1.0)).build();
    assertRefused(MODEL, GenerationRequest.of(prompt(1)).sampling(biased), "id 61");
    Map<Integer, Double> all =
        IntStream.range(0, 61)
            .boxed()
            .collect(Collectors.toMap(id -> id, id -> Double.NEGATIVE_INFINITY));
    SamplingOptions forbidden = SAMPLING.toBuilder().logitBias(all).build();
    assertRefused(
        MODEL,
        GenerationRequest.of(prompt(7)).sampling(forbidden),
        "no token can be drawn at position 7");
  }

  private static void assertRefused(ToyModel model, GenerationRequest request, String... message) {
    List<ToyStage> stages = whole(model);
    assertThatThrownBy(() -> generator(stages, model, WORDS).run(request, TokenSink.NONE))
        .isInstanceOf(GenerationException.class)
        .hasMessageContainingAll(message);
    assertThat(stages.get(0).open).isZero();
  }

  @Test
  void refusesStagesThatAreNoModel() {
    for (int[] cuts : new int[][] {{1, 4}, {0, 0, 4}}) {
      assertThatThrownBy(() -> generator(chain(MODEL, 16, cuts), MODEL, WORDS))
          .isInstanceOf(IllegalArgumentException.class);
    }
    List<ToyStage> gap = chain(MODEL, 16, 0, 1);
    gap.addAll(chain(MODEL, 16, 2, 4));
    List<ToyStage> headless = chain(MODEL, 16, 0, 2, 4).subList(0, 1);
    List<ToyStage> foreign = new ArrayList<>(headless);
    foreign.addAll(chain(new ToyModel(4, 60, 3000), 16, 2, 4));
    for (List<ToyStage> stages : List.of(List.<ToyStage>of(), gap, headless, foreign)) {
      assertThatThrownBy(() -> generator(stages, MODEL, WORDS))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void stageFailuresComeThroughAndLeaveNothingOpen() {
    for (int failing = 1; failing <= 6; failing++) {
      List<ToyStage> stages = chain(MODEL, 16, 0, 2, 4, -1);
      int[] left = {failing};
      stages.get(1).hook =
          () -> {
            if (--left[0] == 0) {
              throw new IOException("connection lost");
            }
          };
      assertThatThrownBy(
              () -> generator(stages, MODEL, WORDS).run(request(prompt(1500), 20), TokenSink.NONE))
          .isInstanceOf(IOException.class)
          .hasMessage("connection lost");
      assertThat(stages).allMatch(stage -> stage.open == 0);
    }
    List<ToyStage> stages = chain(MODEL, 16, 0, 2, 4);
    stages.get(1).refuses = true;
    assertThatThrownBy(
            () -> generator(stages, MODEL, WORDS).run(request(prompt(5), 2), TokenSink.NONE))
        .isInstanceOf(IOException.class);
    assertThat(stages.get(0).open).isZero();
  }

  @Test
  void canBeCancelledBetweenSteps() throws Exception {
    for (int steps : new int[] {0, 1, 2, 3, 9}) {
      List<ToyStage> stages = chain(MODEL, 16, 0, 2, 4);
      AtomicBoolean cancelled = new AtomicBoolean(steps == 0);
      int[] left = {steps};
      stages.get(0).hook = () -> cancelled.set(--left[0] == 0);
      GenerationRequest request = GenerationRequest.of(prompt(1500)).sampling(SAMPLING);
      GenerationResult result =
          generator(stages, MODEL, WORDS).run(request, TokenSink.NONE, cancelled::get);
      assertThat(result.cancelled()).isTrue();
      // two steps for the prompt, then one for each token but the first
      assertThat(result.ids()).isEqualTo(recomputed(prompt(1500), steps < 3 ? 0 : steps - 1));
      assertThat(stages.get(0).steps).hasSize(steps);
      assertThat(stages).allMatch(stage -> stage.open == 0);
    }
  }

  /** As Ctrl-C does: the flag is set and the stage that waits is closed under the loop. */
  @Test
  void canBeCancelledInsideAStep() throws Exception {
    List<ToyStage> stages = whole(MODEL);
    AtomicBoolean cancelled = new AtomicBoolean();
    CountDownLatch waiting = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    int[] left = {5};
    stages.get(0).hook =
        () -> {
          if (--left[0] == 0) {
            waiting.countDown();
            try {
              closed.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            throw new IOException("closed");
          }
        };
    Thread controlC =
        new Thread(
            () -> {
              try {
                waiting.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              cancelled.set(true);
              closed.countDown();
            });
    controlC.start();
    GenerationResult result =
        generator(stages, MODEL, WORDS)
            .run(
                GenerationRequest.of(prompt(3)).sampling(SAMPLING), TokenSink.NONE, cancelled::get);
    controlC.join();
    assertThat(result.cancelled()).isTrue();
    assertThat(result.ids()).isEqualTo(recomputed(prompt(3), 4));
    assertThat(result.text()).isNotEmpty();
    assertThat(stages.get(0).open).isZero();
  }

  @Test
  void timingsAddUp() throws Exception {
    GenerationTimings timings =
        generator(whole(MODEL), MODEL, WORDS)
            .run(request(prompt(30), 50), TokenSink.NONE)
            .timings();
    assertThat(timings.promptTokens()).isEqualTo(30);
    assertThat(timings.decodeTokens()).isEqualTo(49);
    assertThat(timings.drawnTokens()).isEqualTo(50);
    assertThat(timings.promptNanos()).isPositive();
    assertThat(timings.decodeStageNanos()).isPositive().isLessThan(timings.decodeNanos());
    assertThat(timings.javaNanosPerToken()).isPositive();
  }

  private static List<Integer> boxed(int[] ids) {
    return Arrays.stream(ids).boxed().collect(Collectors.toList());
  }
}
