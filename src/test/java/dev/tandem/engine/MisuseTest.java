package dev.tandem.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Output;
import dev.tandem.stage.Batch;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever is done with the engine's objects, in whatever order and by however many threads, gives
 * a result or a declared exception: the process lives on.
 */
@Timeout(300)
class MisuseTest {
  private static final Set<DType> WITH_KERNELS =
      EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);

  private static final int CAPACITY = 32;

  private Checkpoint checkpoint;
  private Engine engine;
  private LoadedModel model;
  private LocalStage stage;
  private Sequence sequence;
  private final Batch batch = new Batch();

  @BeforeEach
  void open() throws IOException {
    checkpoint = Checkpoints.open("stories260K", Optional.empty());
    engine = new Engine(2, "");
    model = engine.load(checkpoint);
    stage = whole();
    sequence = stage.openSequence(CAPACITY);
  }

  @AfterEach
  void close() throws IOException {
    sequence.close();
    stage.close();
    model.close();
    engine.close();
    checkpoint.close();
  }

  private LocalStage whole() throws IOException {
    return model.openStage(
        Span.whole(model.config().nLayers()), StageOptions.defaults(model.checkpoint()));
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(Float.BYTES * floats)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private FloatBuffer in(int rows) {
    return direct(rows * stage.spec().dModel());
  }

  private FloatBuffer out() {
    return direct(stage.spec().vocabSize());
  }

  /** A batch of one entry that wants its last row. */
  private Batch rows(Sequence of, int position, int nRows) {
    batch.clear();
    batch.add(of, position, nRows, RowKind.GENERATED, false, nRows - 1, 1);
    return batch;
  }

  /** What remains usable after every misuse: a step that gives logits. */
  private void assertAlive() {
    FloatBuffer logits = out();
    stage.step(rows(sequence, 0, 2), in(2), logits);
    assertThat(logits.get(1)).isFinite();
    assertThat(sequence.length()).isEqualTo(2);
  }

  private void assertRefused(Batch wrong, FloatBuffer in, FloatBuffer out) {
    assertThatThrownBy(() -> stage.step(wrong, in, out))
        .isInstanceOfAny(
            IllegalArgumentException.class, IllegalStateException.class, NativeException.class)
        .satisfies(e -> assertThat(e.getMessage()).isNotBlank().doesNotContain("\n"));
  }

  @Test
  void buffersOfTheWrongSizeAreRefused() {
    for (int rows : new int[] {1, 3, CAPACITY}) {
      assertRefused(rows(sequence, 0, rows), in(rows - 1), out());
      assertRefused(rows(sequence, 0, rows), direct(rows * stage.spec().dModel() - 1), out());
      assertRefused(rows(sequence, 0, rows), in(rows), direct(0));
      assertRefused(rows(sequence, 0, rows), in(rows), direct(stage.spec().vocabSize() - 1));
    }
    assertAlive();
  }

  @Test
  void buffersOfTheWrongKindAreRefused() {
    int floats = stage.spec().dModel();
    ByteBuffer bytes = ByteBuffer.allocateDirect(Float.BYTES * 1024 + 3);
    FloatBuffer unaligned =
        bytes.slice(1, bytes.capacity() - 3).order(ByteOrder.nativeOrder()).asFloatBuffer();
    FloatBuffer foreignOrder =
        bytes
            .slice(0, 4096)
            .order(
                ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
                    ? ByteOrder.LITTLE_ENDIAN
                    : ByteOrder.BIG_ENDIAN)
            .asFloatBuffer();
    for (FloatBuffer wrong :
        List.of(
            FloatBuffer.allocate(floats), FloatBuffer.allocate(1024), unaligned, foreignOrder)) {
      assertRefused(rows(sequence, 0, 1), wrong, out());
      assertRefused(rows(sequence, 0, 1), in(1), wrong);
    }
    assertRefused(rows(sequence, 0, 1), in(1), out().asReadOnlyBuffer());
    assertAlive();
  }

  @Test
  void overlappingBuffersAreRefused() {
    FloatBuffer both = direct(1024);
    assertRefused(rows(sequence, 0, 1), both, both);
    assertRefused(rows(sequence, 0, 1), both.slice(500, 64), both);
    assertAlive();
  }

  @Test
  void positionsOutsideTheSequenceAreRefused() {
    assertRefused(rows(sequence, 1, 1), in(1), out());
    assertRefused(rows(sequence, Integer.MAX_VALUE - 1, 1), in(1), out());
    assertRefused(rows(sequence, 0, CAPACITY + 100), in(CAPACITY + 100), out());
    stage.step(rows(sequence, 0, CAPACITY), in(CAPACITY), out());
    assertRefused(rows(sequence, CAPACITY, 1), in(1), out());
    assertThat(sequence.length()).isEqualTo(CAPACITY);
    assertThatIllegalArgumentException().isThrownBy(() -> rows(sequence, -1, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> rows(sequence, Integer.MAX_VALUE, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> rows(sequence, 0, 0));
    assertAlive();
  }

  @Test
  void sequencesThatCannotTakePartAreRefused() throws IOException {
    try (LocalStage other = whole();
        Sequence foreign = other.openSequence(CAPACITY)) {
      assertRefused(rows(foreign, 0, 1), in(1), out());
    }
    Sequence closed = stage.openSequence(CAPACITY);
    closed.close();
    closed.close();
    assertRefused(rows(closed, 0, 1), in(1), out());
    assertThatIllegalStateException().isThrownBy(closed::length);
    rows(sequence, 0, 1).add(sequence, 1, 1, RowKind.GENERATED, false, 0, 1);
    assertRefused(batch, in(2), direct(2 * stage.spec().vocabSize()));
    assertAlive();
  }

  @Test
  void copiesOfWhatIsNotThereAreRefused() throws IOException {
    stage.step(rows(sequence, 0, 20), in(20), out());
    Sequence target = stage.openSequence(CAPACITY);
    try (LocalStage other = whole();
        Sequence foreign = other.openSequence(CAPACITY)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> stage.copy(sequence, 0, foreign, 0, 20))
          .withMessageContaining("another stage");
      assertThatIllegalArgumentException().isThrownBy(() -> stage.copy(foreign, 0, target, 0, 20));
      int[][] wrong = {{0, 0, 21}, {0, 16, 4}, {8, 0, 4}, {-16, 0, 4}, {0, 0, 0}, {16, 0, 5}};
      for (int[] copy : wrong) {
        assertThatThrownBy(() -> stage.copy(sequence, copy[0], target, copy[1], copy[2]))
            .isInstanceOf(NativeException.class);
      }
      assertThat(target.length()).isZero();
      stage.copy(sequence, 0, target, 0, 20);
      assertThat(target.length()).isEqualTo(20);
      target.close();
      assertThatIllegalStateException().isThrownBy(() -> stage.copy(sequence, 0, target, 0, 20));
      assertThatIllegalStateException().isThrownBy(() -> stage.copy(target, 0, sequence, 0, 20));
    }
    assertAlive();
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 513, Integer.MAX_VALUE})
  void sequencesOfImpossibleLengthAreRefused(int positions) {
    assertThatThrownBy(() -> stage.openSequence(positions)).isInstanceOf(NativeException.class);
    assertAlive();
  }

  @ParameterizedTest
  @CsvSource({
    "-1,5",
    "0,6",
    "3,2",
    "0,2147483647",
    "-2147483648,-2147483648",
    "6,6",
    "-2147483648,2147483647"
  })
  void stagesOfImpossibleLayersAreRefused(int begin, int end) {
    StageOptions options = StageOptions.defaults(model.checkpoint());
    for (Output output : Output.values()) {
      assertThatThrownBy(() -> model.openStage(new Span(begin, end, output), options))
          .isInstanceOfAny(NativeException.class, IllegalArgumentException.class);
    }
    assertAlive();
  }

  @ParameterizedTest
  @CsvSource({"-1,''", "-2147483648,''", "2147483647,''", "1,avx1024", "1,' '"})
  void impossibleEnginesAreRefused(int threads, String isa) {
    assertThatThrownBy(() -> new Engine(threads, isa)).isInstanceOf(NativeException.class);
  }

  @Test
  void impossibleProbesAreRefused() {
    for (long bytes : new long[] {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE}) {
      assertThatThrownBy(() -> engine.probeReadSeconds(bytes)).isInstanceOf(NativeException.class);
    }
    for (int size : new int[] {Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> engine.probeSgemmSeconds(size, size, size))
          .isInstanceOf(NativeException.class);
      assertThatThrownBy(
              () -> engine.probeMatmulSeconds(DType.F16, RowKind.PROMPT, size, size, size))
          .isInstanceOf(NativeException.class);
    }
    for (DType dtype : DType.values()) {
      if (WITH_KERNELS.contains(dtype)) {
        for (RowKind kind : RowKind.values()) {
          assertThat(engine.probeMatmulSeconds(dtype, kind, 9, 33, 256)).isPositive();
        }
      } else {
        assertThatThrownBy(() -> engine.probeMatmulSeconds(dtype, RowKind.GENERATED, 1, 32, 256))
            .isInstanceOf(NativeException.class);
      }
    }
    assertAlive();
  }

  /** A parent closed first lives until its children are closed; nothing opens from it any more. */
  @Test
  void everyOrderOfClosingWorks() throws IOException {
    Random random = new Random(11);
    for (int i = 0; i < 200; i++) {
      Engine e = new Engine(1 + i % 2, "");
      Checkpoint c = Checkpoints.open("stories260K", Optional.empty());
      LoadedModel m = e.load(c);
      LocalStage s = m.openStage(Span.layers(0, 2), StageOptions.defaults(m.checkpoint()));
      Sequence q = s.openSequence(4);
      List<AutoCloseable> order = new ArrayList<>(List.of(e, c, m, s, q, e, q));
      Collections.shuffle(order, random);
      for (AutoCloseable next : order) {
        assertThatNoUndeclaredException(next::close);
        assertThatNoUndeclaredException(() -> s.step(rows(q, 0, 1), direct(64), direct(64)));
        assertThatNoUndeclaredException(() -> s.openSequence(4).close());
      }
      assertThatIllegalStateException().isThrownBy(q::length);
      assertThatIllegalStateException().isThrownBy(() -> s.openSequence(4));
      assertThatIllegalStateException().isThrownBy(s::weightBytes);
      assertThatIllegalStateException().isThrownBy(e::isa);
      assertThatIllegalStateException().isThrownBy(() -> e.probeReadSeconds(1 << 20));
    }
    assertAlive();
  }

  private interface Call {
    void run() throws Exception;
  }

  private static void assertThatNoUndeclaredException(Call call) {
    try {
      call.run();
    } catch (IllegalArgumentException
        | IllegalStateException
        | NativeException
        | IOException declared) {
      assertThat(declared.getMessage()).isNotBlank();
    } catch (Exception e) {
      throw new AssertionError("undeclared exception", e);
    }
  }

  /** Threads step, open and close the same few objects, with arguments of every kind. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void randomUseByManyThreadsNeverCrashes(long seed) throws Exception {
    List<LocalStage> stages = Collections.synchronizedList(new ArrayList<>(List.of(stage)));
    List<Sequence> sequences = Collections.synchronizedList(new ArrayList<>(List.of(sequence)));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> results = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        Random random = new Random(100 * seed + thread);
        results.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 500; i++) {
                    assertThatNoUndeclaredException(() -> useAtRandom(random, stages, sequences));
                  }
                }));
      }
      for (Future<?> result : results) {
        result.get(240, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
      sequences.forEach(Sequence::close);
      stages.forEach(LocalStage::close);
    }
    stage = whole();
    sequence = stage.openSequence(CAPACITY);
    assertAlive();
  }

  private void useAtRandom(Random random, List<LocalStage> stages, List<Sequence> sequences)
      throws IOException {
    LocalStage anyStage = stages.get(random.nextInt(stages.size()));
    Sequence anySequence = sequences.get(random.nextInt(sequences.size()));
    switch (random.nextInt(20)) {
      case 0 -> stages.add(whole());
      case 1, 2, 3, 4 -> sequences.add(anyStage.openSequence(random.nextInt(1, CAPACITY)));
      case 5 -> anySequence.close();
      case 6 -> {
        if (random.nextInt(4) == 0) {
          anyStage.close();
        }
      }
      case 7 -> assertThat(anySequence.length()).isBetween(0, CAPACITY);
      default -> {
        Batch some = new Batch();
        int entries = random.nextInt(1, 4);
        for (int i = 0; i < entries; i++) {
          int nRows = random.nextInt(1, 6);
          some.add(
              sequences.get(random.nextInt(sequences.size())),
              random.nextInt(4) == 0 ? random.nextInt(40) : 0,
              nRows,
              random.nextBoolean() ? RowKind.PROMPT : RowKind.GENERATED,
              random.nextBoolean(),
              0,
              random.nextInt(nRows + 1));
        }
        int missing = random.nextInt(8) == 0 ? 1 : 0;
        anyStage.step(
            some,
            direct(some.totalRows() * anyStage.spec().dModel() - missing),
            direct(some.totalOut() * anyStage.spec().outWidth()));
      }
    }
  }
}
