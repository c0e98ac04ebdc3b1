package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.Output;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageLostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A lost stage's rows are computed again, cut as they were the first time. */
class ReplayTest {
  private static final int MAX_SEQ = 400;
  private static final ToyModel MODEL = new ToyModel(4, 61, MAX_SEQ);
  private static final ToyTokenizer WORDS = ToyTokenizer.words(61);

  private static List<ToyStage> stages() {
    return List.of(
        new ToyStage(MODEL, Span.layers(0, 1), 16),
        new ToyStage(MODEL, Span.layers(1, 4), 16),
        new ToyStage(MODEL, new Span(4, 4, Output.LOGITS), 16));
  }

  private static Generator generator(List<ToyStage> stages, Drafting drafting) {
    return new Generator(new ArrayList<Stage>(stages), MODEL.embedder(), WORDS, drafting);
  }

  /** Loses the stage once, before its n-th step. */
  private static void loseAt(ToyStage stage, int n) {
    int[] left = {n};
    stage.hook =
        () -> {
          if (--left[0] == 0) {
            throw new StageLostException("gone");
          }
        };
  }

  private static GenerationRequest request(int promptTokens, long seed) {
    int[] prompt = new Random(seed).ints(promptTokens, 0, 61).toArray();
    return GenerationRequest.of(prompt).seed(seed).maxTokens(12);
  }

  /** Three turns, so that prompts and generated rows alternate; the second has one new token. */
  private static List<int[]> conversation(List<ToyStage> stages, Drafting drafting)
      throws Exception {
    List<int[]> ids = new ArrayList<>();
    try (DecodingSession session = generator(stages, drafting).open(MAX_SEQ)) {
      for (GenerationRequest turn : List.of(request(70, 1), request(1, 2), request(37, 3))) {
        ids.add(session.run(turn, TokenSink.NONE, () -> false).ids());
      }
    }
    return ids;
  }

  @Test
  void whereverAStageIsLostTheTextIsTheSame() throws Exception {
    for (Drafting drafting :
        List.of(Drafting.NONE, new Drafting(5, true, capacity -> new NgramDrafter()))) {
      List<int[]> expected = conversation(stages(), Drafting.NONE);
      for (int lost = 0; lost < 3; lost++) {
        for (int at = 1; at <= 40; at++) {
          List<ToyStage> stages = stages();
          loseAt(stages.get(lost), at);
          assertThat(conversation(stages, drafting))
              .as("stage %d lost at its step %d", lost, at)
              .usingRecursiveFieldByFieldElementComparator()
              .isEqualTo(expected);
          assertThat(stages).allMatch(stage -> stage.open == 0);
        }
      }
    }
  }

  /** A stage that is lost is the only one that computes anything again. */
  @Test
  void theOtherStagesComputeNothingAgain() throws Exception {
    List<ToyStage> quiet = stages();
    List<int[]> expected = conversation(quiet, Drafting.NONE);
    for (int lost = 0; lost < 3; lost++) {
      for (int at = 1; at <= quiet.get(lost).steps.size(); at++) {
        List<ToyStage> stages = stages();
        loseAt(stages.get(lost), at);
        assertThat(conversation(stages, Drafting.NONE))
            .usingRecursiveFieldByFieldElementComparator()
            .isEqualTo(expected);
        for (int other = 0; other < 3; other++) {
          if (other != lost) {
            assertThat(stages.get(other).steps)
                .as("stage %d, stage %d lost at its step %d", other, lost, at)
                .isEqualTo(quiet.get(other).steps);
          }
        }
      }
    }
  }

  /** The kinds and the ends of the rows are those of the first time; generated rows go together. */
  @Test
  void rowsAreCutAsBefore() throws Exception {
    List<ToyStage> stages = stages();
    ToyStage first = stages.get(0);
    List<String> quiet = new ArrayList<>();
    int[] calls = {0};
    first.hook =
        () -> {
          if (++calls[0] == 20) {
            quiet.addAll(first.steps);
            first.steps.clear();
            throw new StageLostException("gone");
          }
        };
    List<int[]> ids = conversation(stages, Drafting.NONE);
    assertThat(ids).hasSize(3);
    assertThat(quiet.subList(0, 2)).containsExactly("PROMPT 0+70 end", "GENERATED 70+1");
    assertThat(first.steps.get(0)).isEqualTo("PROMPT 0+70 end");
    assertThat(first.steps.get(1)).isEqualTo("GENERATED 70+11");
    assertThat(first.steps.get(2)).isEqualTo("PROMPT 81+2 end");
    assertThat(first.steps.get(3)).isEqualTo("GENERATED 83+6");
    assertThat(first.steps.get(4)).isEqualTo("GENERATED 89+1");
  }

  /** A prompt whose last row was computed again, as a generated one, is replayed as a whole. */
  @Test
  void aPromptKeepsItsLength() {
    RowRuns runs = new RowRuns();
    runs.computed(0, 16, RowKind.PROMPT, false);
    runs.computed(16, 30, RowKind.PROMPT, true);
    runs.computed(29, 30, RowKind.GENERATED, true);
    runs.computed(30, 35, RowKind.GENERATED, true);
    runs.computed(32, 33, RowKind.GENERATED, true);
    assertThat(runs.size()).isEqualTo(2);
    assertThat(runs.begin(0)).isZero();
    assertThat(runs.end(0)).isEqualTo(30);
    assertThat(runs.isComplete(0)).isTrue();
    assertThat(runs.begin(1)).isEqualTo(29);
    assertThat(runs.end(1)).isEqualTo(33);
    assertThat(runs.isComplete(1)).isFalse();
  }

  @Test
  void aStageThatIsLostAgainAndAgainEndsTheGeneration() {
    List<ToyStage> stages = stages();
    stages.get(1).hook =
        () -> {
          throw new StageLostException("gone for good");
        };
    assertThatThrownBy(() -> generator(stages, Drafting.NONE).run(request(20, 1), TokenSink.NONE))
        .isInstanceOf(StageLostException.class)
        .hasMessage("gone for good");
    assertThat(stages).allMatch(stage -> stage.open == 0);
  }
}
