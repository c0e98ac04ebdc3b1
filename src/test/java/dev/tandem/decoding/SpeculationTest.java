package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Output;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** With any draft, right or wrong, the loop says what it says without one. */
class SpeculationTest {
  private static final int MAX_SEQ = 300;
  private static final ToyModel MODEL = new ToyModel(4, 61, MAX_SEQ);
  private static final ToyTokenizer WORDS = ToyTokenizer.words(61);
  private static final int[] PROMPT = new Random(3).ints(20, 0, 61).toArray();

  private static final List<SamplingOptions> SAMPLINGS =
      List.of(
          SamplingOptions.greedy(),
          SamplingOptions.builder().seed(5).temperature(0.7).build(),
          SamplingOptions.builder().seed(6).repeatPenalty(1.3).frequencyPenalty(0.1).build());

  /** Knows the text, and errs at some places. */
  private static final class Knowing implements Drafter {
    private final int[] text;
    private final int wrongEvery;
    private boolean closed;

    Knowing(int[] text, int wrongEvery) {
      this.text = text;
      this.wrongEvery = wrongEvery;
    }

    @Override
    public void begin(GenerationRequest request, int[] ids, int promptEnd) {
      assertThat(closed).isFalse();
    }

    @Override
    public int propose(int[] ids, int size, int max) {
      int n = Math.min(max, text.length - size);
      for (int i = 0; i < n; i++) {
        boolean wrong = wrongEvery > 0 && (size + i) % wrongEvery == 0;
        ids[size + i] = wrong ? (text[size + i] + 1) % 61 : text[size + i];
      }
      return Math.max(n, 0);
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static List<ToyStage> stages(ToyModel model) {
    return List.of(
        new ToyStage(model, Span.layers(0, 2), 16),
        new ToyStage(model, Span.layers(2, 4), 16),
        new ToyStage(model, new Span(4, 4, Output.LOGITS), 16));
  }

  private static Generator generator(List<ToyStage> stages, ToyTokenizer words, Drafting drafting) {
    return new Generator(new ArrayList<Stage>(stages), MODEL.embedder(), words, drafting);
  }

  private static GenerationResult plain(GenerationRequest request, ToyTokenizer words)
      throws Exception {
    return generator(stages(MODEL), words, Drafting.NONE).run(request, TokenSink.NONE);
  }

  private static int[] text(GenerationResult result) {
    return IntStream.concat(Arrays.stream(result.promptIds()), Arrays.stream(result.ids()))
        .toArray();
  }

  /** A small model that often agrees, since it is the same one, or never, since it is another. */
  private static Drafter small(ToyModel model, int capacity) {
    ToyStage whole = new ToyStage(model, Span.whole(model.nLayers()), 16);
    return new ModelDrafter(new Generator(List.of(whole), model.embedder(), WORDS), capacity);
  }

  static Stream<Integer> wrongPlaces() {
    return Stream.of(0, 1, 2, 3, 7, 1000);
  }

  @ParameterizedTest
  @MethodSource("wrongPlaces")
  void anyDraftGivesTheSameText(int wrongEvery) throws Exception {
    for (SamplingOptions sampling : SAMPLINGS) {
      GenerationRequest request =
          GenerationRequest.of(PROMPT).sampling(sampling).maxTokens(90).logprobs(2);
      GenerationResult expected = plain(request, WORDS);
      for (int max : new int[] {1, 2, 5, 16, 64}) {
        Knowing drafter = new Knowing(text(expected), wrongEvery);
        List<ToyStage> stages = stages(MODEL);
        GenerationResult result =
            generator(stages, WORDS, new Drafting(max, true, capacity -> drafter))
                .run(request, TokenSink.NONE);
        assertThat(result.ids()).isEqualTo(expected.ids());
        assertThat(result.text()).isEqualTo(expected.text());
        assertThat(result.tokens()).isEqualTo(expected.tokens());
        assertThat(result.timings().decodeTokens()).isEqualTo(89);
        assertThat(result.timings().drawnTokens()).isEqualTo(90);
        assertThat(result.timings().acceptedTokens())
            .isLessThanOrEqualTo(result.timings().draftedTokens());
        assertThat(drafter.closed).isTrue();
        assertThat(stages).allMatch(stage -> stage.open == 0);
        if (wrongEvery == 0) {
          assertThat(result.timings().acceptedTokens())
              .isEqualTo(result.timings().draftedTokens())
              .isPositive();
          assertThat(stages.get(0).steps).hasSizeLessThan(expected.ids().length);
        } else if (wrongEvery == 1) {
          assertThat(result.timings().acceptedTokens()).isZero();
        }
      }
    }
  }

  @Test
  void rightGuessesSaveSteps() throws Exception {
    GenerationRequest request = GenerationRequest.of(PROMPT).seed(1).maxTokens(100);
    GenerationResult expected = plain(request, WORDS);
    List<ToyStage> stages = stages(MODEL);
    GenerationResult result =
        generator(stages, WORDS, new Drafting(16, false, c -> new Knowing(text(expected), 0)))
            .run(request, TokenSink.NONE);
    int steps = stages.get(0).steps.size() - 2; // without the prompt's
    assertThat(steps + result.timings().acceptedTokens()).isBetween(97, 99);
    assertThat(steps).isLessThan(10);
  }

  @Test
  void aStopTokenOrStringAmongTheGuessesEndsTheText() throws Exception {
    GenerationRequest request = GenerationRequest.of(PROMPT).seed(2).maxTokens(60);
    int[] all = text(plain(request, WORDS));
    for (int at = PROMPT.length + 1; at < PROMPT.length + 40; at++) {
      ToyTokenizer stopping = ToyTokenizer.words(61, all[at]);
      Drafting drafting = new Drafting(16, true, capacity -> new Knowing(all, 0));
      GenerationResult stopped =
          generator(stages(MODEL), stopping, drafting).run(request, TokenSink.NONE);
      assertThat(stopped.ids()).isEqualTo(plain(request, stopping).ids());
      assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);

      GenerationRequest untilText = request.stopStrings(List.of("a" + all[at] + " "));
      GenerationResult expected = plain(untilText, WORDS);
      GenerationResult result =
          generator(stages(MODEL), WORDS, drafting).run(untilText, TokenSink.NONE);
      assertThat(result.ids()).isEqualTo(expected.ids());
      assertThat(result.text()).isEqualTo(expected.text());
    }
  }

  @Test
  void draftsEndWithTheContext() throws Exception {
    for (int length : new int[] {MAX_SEQ - 20, MAX_SEQ - 1, MAX_SEQ}) {
      int[] prompt = new Random(length).ints(length, 0, 61).toArray();
      GenerationRequest request = GenerationRequest.of(prompt).seed(4).maxTokens(1000);
      GenerationResult expected = plain(request, WORDS);
      Drafting drafting = new Drafting(16, true, capacity -> new Knowing(text(expected), 0));
      assertThat(generator(stages(MODEL), WORDS, drafting).run(request, TokenSink.NONE).ids())
          .hasSize(MAX_SEQ + 1 - length)
          .isEqualTo(expected.ids());
    }
  }

  @Test
  void aSmallModelDrawsWithTheNoiseOfTheLargeOne() throws Exception {
    for (SamplingOptions sampling : SAMPLINGS) {
      GenerationRequest request = GenerationRequest.of(PROMPT).sampling(sampling).maxTokens(120);
      int[] expected = plain(request, WORDS).ids();
      GenerationResult same =
          generator(stages(MODEL), WORDS, new Drafting(8, true, c -> small(MODEL, c)))
              .run(request, TokenSink.NONE);
      assertThat(same.ids()).isEqualTo(expected);
      assertThat(same.timings().acceptedTokens())
          .as("the same model is always right")
          .isEqualTo(same.timings().draftedTokens())
          .isPositive();
      ToyModel other = new ToyModel(1, 61, 100); // its context is shorter, too
      GenerationResult different =
          generator(stages(MODEL), WORDS, new Drafting(8, true, c -> small(other, c)))
              .run(request, TokenSink.NONE);
      assertThat(different.ids()).isEqualTo(expected);
      assertThat(different.timings().acceptedTokens())
          .isLessThan(different.timings().draftedTokens());
    }
  }

  @Test
  void aConversationGoesOnBehindDrafts() throws Exception {
    GenerationRequest request = GenerationRequest.of(PROMPT).seed(9).maxTokens(40);
    for (Drafting drafting :
        List.of(
            new Drafting(8, true, c -> new NgramDrafter()),
            new Drafting(8, true, c -> small(MODEL, c)),
            new Drafting(8, true, c -> small(new ToyModel(2, 61, MAX_SEQ), c)))) {
      try (DecodingSession expected = generator(stages(MODEL), WORDS, Drafting.NONE).open(MAX_SEQ);
          DecodingSession drafted = generator(stages(MODEL), WORDS, drafting).open(MAX_SEQ)) {
        for (int turn = 0; turn < 4; turn++) {
          GenerationRequest next = request.seed(turn);
          assertThat(drafted.run(next, TokenSink.NONE, () -> false).ids())
              .isEqualTo(expected.run(next, TokenSink.NONE, () -> false).ids());
        }
      }
    }
  }

  /** llama2.c's numbers come from one stream, which a drafting model would have to share. */
  @Test
  void llama2cNumbersAreDrawnAsWithoutDrafts() throws Exception {
    SamplingOptions llama2c =
        SamplingOptions.builder().seed(8).rng(SamplingOptions.Rng.LLAMA2C).build();
    GenerationRequest request = GenerationRequest.of(PROMPT).sampling(llama2c).maxTokens(80);
    int[] expected = plain(request, WORDS).ids();
    for (Drafting drafting :
        List.of(
            new Drafting(8, true, c -> small(MODEL, c)),
            new Drafting(8, true, c -> new NgramDrafter()))) {
      assertThat(generator(stages(MODEL), WORDS, drafting).run(request, TokenSink.NONE).ids())
          .isEqualTo(expected);
    }
  }

  @Test
  void aFailingDrafterEndsTheGeneration() {
    Drafter failing =
        new Drafter() {
          @Override
          public void begin(GenerationRequest request, int[] ids, int promptEnd) {}

          @Override
          public int propose(int[] ids, int size, int max) throws IOException {
            throw new IOException("the small model's disk is gone");
          }

          @Override
          public void close() {}
        };
    List<ToyStage> stages = stages(MODEL);
    assertThatThrownBy(
            () ->
                generator(stages, WORDS, new Drafting(4, true, c -> failing))
                    .run(GenerationRequest.of(PROMPT), TokenSink.NONE))
        .hasMessage("the small model's disk is gone");
    assertThat(stages).allMatch(stage -> stage.open == 0);
  }
}
