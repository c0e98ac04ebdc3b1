package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.hosting.HostedModel;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.random.RandomModels;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** All backends against the goldens, and against the engine's own kernels. */
class BackendsTest {
  /** What f32 sums in another order change in the logits of these models, which are of size 1. */
  private static final double TOLERANCE = 2e-5;

  /** A Llama with grouped heads whose width is not that of its heads together. */
  private static final ModelConfig GROUPED =
      ModelConfig.builder(Architecture.LLAMA)
          .nLayers(3)
          .nHeads(6)
          .nKvHeads(2)
          .headDim(10)
          .dModel(44)
          .dFf(70)
          .vocabSize(301)
          .maxSeq(96)
          .normEps(1e-5f)
          .ropeTheta(10_000)
          .build();

  /** In a short run, backends that recompute everything get little: they take long. */
  private static boolean getsLittle(Backend backend) {
    boolean recomputes = backend == Backend.NAIVE || backend == Backend.BLAS;
    return recomputes && !Boolean.getBoolean("tandem.long");
  }

  private static List<JsonNode> goldensFor(Backend backend, List<JsonNode> goldens) {
    return getsLittle(backend) ? goldens.subList(0, 1) : goldens;
  }

  /** How many tokens of a golden that has so many a backend generates. */
  private static int tokensFor(Backend backend, int all) {
    return getsLittle(backend) ? Math.min(all, 24) : all;
  }

  static Stream<Arguments> goldens() {
    List<JsonNode> goldens = Goldens.read("gpt2-shakespeare/greedy.json");
    return Stream.of(Backend.values())
        .flatMap(
            backend ->
                goldensFor(backend, goldens).stream().map(golden -> Arguments.of(backend, golden)));
  }

  private record Run(List<Integer> ids, List<float[]> logits) {}

  private static Run run(
      Checkpoint checkpoint, EngineSettings settings, int[] prompt, int maxTokens)
      throws Exception {
    try (LocalModel model = LocalModel.open(checkpoint, settings);
        Stage stage = model.openStage(Span.whole(checkpoint.config().nLayers()))) {
      RecordingStage recording = new RecordingStage(stage);
      Generator generator =
          new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(recording));
      GenerationResult result =
          generator.run(
              GenerationRequest.of(prompt)
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(maxTokens),
              TokenSink.NONE);
      return new Run(IntStream.of(result.ids()).boxed().toList(), recording.rows());
    }
  }

  private static EngineSettings formula(Backend backend) {
    return new EngineSettings(
        0,
        "",
        Optional.of(ActivationEval.FORMULA),
        Optional.empty(),
        false,
        0,
        Optional.of(backend));
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void gpt2ShakespeareGivesPytorchsIds(Backend backend, JsonNode golden) throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
      List<Integer> all = IntStream.of(Goldens.ints(golden.get("greedy_ids"))).boxed().toList();
      List<Integer> expected = all.subList(0, tokensFor(backend, all.size()));
      Run run =
          run(
              checkpoint,
              formula(backend),
              Goldens.ints(golden.get("prompt_ids")),
              expected.size());
      assertThat(run.ids()).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void stories260kGivesLlama2csIds(Backend backend) throws Exception {
    for (JsonNode golden : goldensFor(backend, Goldens.read("stories260K/greedy.json"))) {
      int[] consumed = Goldens.ints(golden.get("ids_consumed"));
      try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty())) {
        int[] prompt = checkpoint.tokenizer().encodePrompt(golden.get("prompt").textValue(), false);
        int tokens = tokensFor(backend, consumed.length - prompt.length);
        int[] generated = Arrays.copyOfRange(consumed, prompt.length, prompt.length + tokens);
        Run run = run(checkpoint, formula(backend), prompt, tokens);
        assertThat(run.ids()).isEqualTo(IntStream.of(generated).boxed().toList());
      }
    }
  }

  private static double largestDifference(List<float[]> a, List<float[]> b) {
    assertThat(a).hasSameSizeAs(b);
    double largest = 0;
    for (int row = 0; row < a.size(); row++) {
      for (int i = 0; i < a.get(row).length; i++) {
        largest = Math.max(largest, Math.abs((double) a.get(row)[i] - b.get(row)[i]));
      }
    }
    return largest;
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void groupedHeadsAgreeWithTheEngine(Backend backend) throws Exception {
    int[] prompt = new Random(5).ints(40, 0, GROUPED.vocabSize()).toArray();
    try (Checkpoint checkpoint = RandomModels.of("grouped", GROUPED, DType.F32, 5)) {
      Run engine = run(checkpoint, formula(Backend.FAST), prompt, 20);
      Run run = run(checkpoint, formula(backend), prompt, 20);
      assertThat(run.ids()).isEqualTo(engine.ids());
      assertThat(largestDifference(run.logits(), engine.logits())).isLessThan(TOLERANCE);
    }
    // Negative control: a model with other weights.
    try (Checkpoint checkpoint = RandomModels.of("grouped", GROUPED, DType.F32, 6)) {
      Run other = run(checkpoint, formula(backend), prompt, 1);
      try (Checkpoint right = RandomModels.of("grouped", GROUPED, DType.F32, 5)) {
        Run engine = run(right, formula(Backend.FAST), prompt, 1);
        assertThat(largestDifference(other.logits(), engine.logits()))
            .isGreaterThan(100 * TOLERANCE);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Backend.class,
      names = {"FAST"},
      mode = EnumSource.Mode.EXCLUDE)
  void storedTypesDoNotMatter(Backend backend) throws Exception {
    int[] prompt = new Random(7).ints(9, 0, GROUPED.vocabSize()).toArray();
    for (DType dtype : List.of(DType.F16, DType.BF16)) {
      try (Checkpoint checkpoint = RandomModels.of("grouped", GROUPED, dtype, 5)) {
        Run run = run(checkpoint, formula(backend), prompt, 5);
        Run engine = run(checkpoint, reproducible(), prompt, 5);
        assertThat(run.ids()).isEqualTo(engine.ids());
        assertThat(largestDifference(run.logits(), engine.logits())).isLessThan(TOLERANCE);
      }
    }
  }

  private static EngineSettings reproducible() {
    return new EngineSettings(
        0, "", Optional.of(ActivationEval.FORMULA), Optional.empty(), true, 0);
  }

  @Test
  void onlyTheEnginesOwnKernelsClaimToBeExact() throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty())) {
      for (Backend backend : Backend.values()) {
        EngineSettings settings = EngineSettings.defaults().withBackend(backend);
        try (ModelRuntime model = WholeRuntime.open(checkpoint, settings);
            LocalModel local = LocalModel.open(checkpoint, settings);
            Stage stage = local.openStage(Span.layers(0, 2))) {
          assertThat(model.exact()).isEqualTo(backend == Backend.FAST);
          assertThat(model.notes()).isEmpty();
          assertThat(stage.profile().mode())
              .isEqualTo(
                  switch (backend) {
                    case FAST -> ArithmeticMode.FAST;
                    case JAVA -> ArithmeticMode.JAVA;
                    case NAIVE, BLAS, BLAS_KV -> ArithmeticMode.REFERENCE;
                  });
          assertThat(stage.profile().blas().isEmpty())
              .isEqualTo(backend == Backend.JAVA || backend == Backend.NAIVE);
        }
      }
    }
  }

  @Test
  void unknownNamesAreRefused() {
    assertThat(Stream.of(Backend.values()).map(Backend::toString).map(Backend::of))
        .containsExactly(Backend.values());
    assertThatThrownBy(() -> Backend.of("cuda"))
        .hasMessage("no backend 'cuda'; there are java, naive, blas, blas-kv, fast");
  }

  @Test
  void referencesAreForWholeModelsOnly() throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("stories260K", Optional.empty())) {
      for (Backend backend : List.of(Backend.NAIVE, Backend.BLAS, Backend.BLAS_KV)) {
        assertThatThrownBy(
                () ->
                    HostedModel.start(
                        checkpoint,
                        EngineSettings.defaults().withBackend(backend),
                        ServerOptions.defaults()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("backend must be fast or java");
      }
    }
  }
}
