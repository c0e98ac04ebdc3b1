package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.scheduler.ModelScheduler;
import dev.tandem.scheduler.ScheduledStage;
import dev.tandem.scheduler.SchedulerLimits;
import dev.tandem.scheduler.SchedulerListener;
import dev.tandem.scheduler.StageProvider;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many generations at once over one model: each has the bits that it has alone. */
@Timeout(300)
class ScheduledGenerationsTest {
  private static final int USERS = 8;
  private static final int TOKENS = 60;
  private static final int CHUNK = 16;

  private record Run(GenerationResult result, List<float[]> logits) {}

  @ParameterizedTest
  @CsvSource({"gpt2-shakespeare, F32", "gpt2-shakespeare, Q8_0", "stories260K, F32"})
  void eachHasTheBitsThatItHasAlone(String name, DType type) throws Exception {
    EngineSettings settings =
        new EngineSettings(2, "", Optional.empty(), Optional.empty(), false, CHUNK);
    try (Checkpoint checkpoint = open(name, type);
        LocalModel model = LocalModel.open(checkpoint, settings);
        Stage alone = model.openStage(Span.whole(checkpoint.config().nLayers()))) {
      CountingProvider provider = new CountingProvider(model, alone);
      List<Run> expected = new ArrayList<>();
      for (int user = 0; user < USERS; user++) {
        expected.add(run(checkpoint, alone, user));
      }
      try (ModelScheduler scheduler = scheduler(provider)) {
        ScheduledStage shared = new ScheduledStage(scheduler, alone.spec().span());
        ExecutorService users = Executors.newFixedThreadPool(USERS);
        List<Future<Run>> runs = new ArrayList<>();
        for (int i = 0; i < USERS; i++) {
          int user = i;
          runs.add(users.submit(() -> run(checkpoint, shared, user)));
        }
        for (int user = 0; user < USERS; user++) {
          Run got = runs.get(user).get();
          Run want = expected.get(user);
          assertThat(got.result().ids()).as("user %d", user).isEqualTo(want.result().ids());
          assertThat(Bits.firstDifference(want.logits(), got.logits())).isEmpty();
        }
        users.shutdown();
        assertThat(scheduler.activeSequences()).isZero();
      }
      // Alone, each would have needed a call for every token but the first.
      assertThat(provider.generatedRows.get()).isEqualTo(USERS * (TOKENS - 1));
      assertThat(provider.generatedCalls.get()).isLessThan(provider.generatedRows.get() * 3 / 4);
    }
  }

  /** As {@link TokenAllocationTest} has it of a stage alone. */
  @ParameterizedTest
  @CsvSource({"gpt2-shakespeare, F32", "stories260K, F32"})
  void aTokenAloneAllocatesNothing(String name, DType type) throws Exception {
    try (Checkpoint checkpoint = open(name, type);
        LocalModel model = LocalModel.open(checkpoint, EngineSettings.defaults());
        Stage alone = model.openStage(Span.whole(checkpoint.config().nLayers()))) {
      CountingProvider provider = new CountingProvider(model, alone);
      try (ModelScheduler scheduler = scheduler(provider)) {
        ScheduledStage stage = new ScheduledStage(scheduler, alone.spec().span());
        Generator generator =
            new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(stage));
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 6 && least > 0; i++) {
          Meter meter = new Meter();
          generator.run(request(checkpoint, 0, Meter.TOKENS), meter);
          least = Math.min(least, meter.bytesAfterWarmUp());
        }
        assertThat(least).isZero();
      }
    }
  }

  /** Notes at each token what the thread has allocated so far. */
  private static final class Meter implements TokenSink {
    static final int TOKENS = 200;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final long[] bytes = new long[TOKENS];
    private int tokens;

    @Override
    public boolean takesText() {
      return false;
    }

    @Override
    public void token(int id, @Nullable GeneratedToken details) {
      bytes[tokens++] = THREADS.getCurrentThreadAllocatedBytes();
    }

    long bytesAfterWarmUp() {
      return bytes[TOKENS - 1] - bytes[40];
    }
  }

  private static ModelScheduler scheduler(StageProvider provider) {
    return new ModelScheduler(
        "engine", provider, SchedulerLimits.of(16, 4, 1_000), SchedulerListener.NONE);
  }

  private static Run run(Checkpoint checkpoint, Stage stage, int user) throws Exception {
    RecordingStage recording = new RecordingStage(stage);
    Generator generator =
        new GeneratorFactory(checkpoint, checkpoint.tokenizer()).of(List.of(recording));
    GenerationResult result = generator.run(request(checkpoint, user, TOKENS), TokenSink.NONE);
    return new Run(result, recording.rows());
  }

  /** Prompts of 5 to 40 tokens: some are longer than two chunks. */
  private static GenerationRequest request(Checkpoint checkpoint, int user, int tokens) {
    int[] prompt = new int[5 * (user + 1)];
    for (int i = 0; i < prompt.length; i++) {
      prompt[i] = (31 * i + 7 * user + 5) % checkpoint.config().vocabSize();
    }
    return GenerationRequest.of(prompt)
        .sampling(SamplingOptions.builder().temperature(1).seed(user).build())
        .ignoreEos(true)
        .maxTokens(tokens);
  }

  private static Checkpoint open(String name, DType type) throws Exception {
    Checkpoint checkpoint = Checkpoints.open(name, Optional.empty());
    return type == DType.F32
        ? checkpoint
        : ConvertedModels.convert(checkpoint, type, ConversionProgress.NONE);
  }

  /** Counts calls with generated rows, and their rows. */
  private static final class CountingProvider implements StageProvider {
    private final AtomicInteger generatedCalls = new AtomicInteger();
    private final AtomicInteger generatedRows = new AtomicInteger();
    private final LocalModel model;
    private final Stage widest;

    CountingProvider(LocalModel model, Stage widest) {
      this.model = model;
      this.widest = widest;
    }

    @Override
    public StageSpec offered() {
      return widest.spec();
    }

    @Override
    public ArithmeticProfile profile() {
      return widest.profile();
    }

    @Override
    public Stage open(Span span) throws IOException {
      Stage stage = model.openStage(span);
      return new ForwardingStage(stage) {
        @Override
        public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
          int generated = 0;
          for (int i = 0; i < batch.size(); i++) {
            generated += batch.kind(i) == RowKind.GENERATED ? batch.nRows(i) : 0;
          }
          generatedCalls.addAndGet(generated > 0 ? 1 : 0);
          generatedRows.addAndGet(generated);
          super.step(batch, in, out);
        }
      };
    }
  }
}
