package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.client.RemoteModel;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.engine.Engine;
import dev.tandem.engine.NativeException;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.hosting.HostedModel;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.Output;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A split model computes the whole model's logits, to the bit, wherever it is cut. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
@Tag("slow")
public class SplitExactnessTest {
  private static final int DECODED = 12;

  /** What one run drew and computed. */
  record Run(List<Integer> ids, List<float[]> logits) {}

  /** Every K from 0 to L, both replies, prompts longer than 2C. */
  @ParameterizedTest
  @CsvSource({
    "random-gpt2, 256, 600, false",
    "random-llama, 256, 531, false",
    "random-gpt2 as q8_0, 256, 600, false",
    "random-llama as bf16, 256, 531, false",
    "superblocks, 16, 40, false",
    "superblocks, 256, 531, true",
    "gpt2-shakespeare, 256, 100, false",
    "gpt2-shakespeare, 16, 40, false",
    "gpt2-shakespeare, 16, 7, true",
    "gpt2-shakespeare as f32, 16, 40, false",
    "gpt2-shakespeare as bf16, 16, 40, false",
    "gpt2-shakespeare as bf16, 16, 40, true",
    "gpt2-shakespeare as q8_0, 16, 40, false",
    "gpt2-shakespeare as q4_0, 16, 40, true",
    "stories260K, 16, 37, false",
    "stories260K, 64, 150, false",
    "stories260K, 16, 33, true",
    "stories260K as f16, 16, 37, false",
    "stories260K as bf16, 16, 37, false",
    "stories260K as q8_0, 16, 37, true", // ffn_down has rows of 172 and is f16
    "stories260K as q4_0, 16, 37, false"
  })
  void everyCutGivesTheBitsOfTheWhole(String name, int chunk, int promptTokens, boolean rowExact)
      throws Exception {
    EngineSettings settings = settings(chunk, rowExact, 0, "");
    try (Checkpoint checkpoint = open(name);
        HostedModel server = start(checkpoint, settings)) {
      int[] prompt = prompt(checkpoint.config(), promptTokens, 1);
      Run whole = whole(checkpoint, settings, prompt);
      for (int cut = 0; cut <= checkpoint.config().nLayers(); cut++) {
        for (Output reply : List.of(Output.HIDDEN, Output.LOGITS)) {
          Run split = split(checkpoint, settings, server, cut, reply, prompt);
          String where = name + " C=" + chunk + " K=" + cut + " " + reply;
          assertThat(Bits.firstDifference(whole.logits(), split.logits())).as(where).isEmpty();
          assertThat(split.ids()).as(where).isEqualTo(whole.ids());
        }
      }
      awaitNoSequences(server);
    }
  }

  /** Caches of each type, filled over more than one block of 256 positions. */
  @ParameterizedTest
  @CsvSource({
    "random-gpt2, F16, 600",
    "random-llama, Q8_0, 531",
    "gpt2-shakespeare, F16, 40",
    "gpt2-shakespeare, Q8_0, 40",
    "gpt2-shakespeare as q8_0, F32, 40",
    "stories260K, F16, 150",
    "stories260K, Q8_0, 150", // heads of 8, shorter than a scale's 32 elements
    "stories260K as q4_0, Q8_0, 37"
  })
  void everyCutGivesTheBitsOfTheWholeWithEveryKvType(String name, KvType kvType, int promptTokens)
      throws Exception {
    EngineSettings settings = settings(16, false, 0, "").withKvType(kvType);
    try (Checkpoint checkpoint = open(name);
        HostedModel server = start(checkpoint, settings)) {
      int[] prompt = prompt(checkpoint.config(), promptTokens, 1);
      Run whole = whole(checkpoint, settings, prompt);
      for (int cut = 0; cut <= checkpoint.config().nLayers(); cut++) {
        Run split = split(checkpoint, settings, server, cut, Output.HIDDEN, prompt);
        String where = name + " " + kvType + " K=" + cut;
        assertThat(Bits.firstDifference(whole.logits(), split.logits())).as(where).isEmpty();
        assertThat(split.ids()).as(where).isEqualTo(whole.ids());
      }
      KvType other = kvType == KvType.F32 ? KvType.F16 : KvType.F32;
      Run otherwise = whole(checkpoint, settings.withKvType(other), prompt);
      assertThat(Bits.firstDifference(whole.logits(), otherwise.logits())).isNotEmpty();
    }
  }

  /** A client that closes does not wait for the server, which frees its memory a moment later. */
  private static void awaitNoSequences(HostedModel server) throws InterruptedException {
    for (int i = 0; server.activeSequences() > 0; i++) {
      assertThat(i).as("waits of 10 ms").isLessThan(3000);
      Thread.sleep(10);
    }
  }

  /** Negative control: another prompt, and a whole model of another chunk size, do differ. */
  @Test
  void differencesAreSeen() throws Exception {
    EngineSettings settings = settings(16, false, 0, "");
    try (Checkpoint checkpoint = open("gpt2-shakespeare as f32");
        HostedModel server = start(checkpoint, settings)) {
      int[] prompt = prompt(checkpoint.config(), 40, 1);
      Run split = split(checkpoint, settings, server, 2, Output.HIDDEN, prompt);
      Run other = whole(checkpoint, settings, prompt(checkpoint.config(), 40, 2));
      assertThat(Bits.firstDifference(other.logits(), split.logits())).isNotEmpty();
      Run rowExact = whole(checkpoint, settings(16, true, 0, ""), prompt);
      assertThat(Bits.firstDifference(rowExact.logits(), split.logits())).isNotEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "random-gpt2, 256",
    "random-llama, 256",
    "gpt2-shakespeare, 256",
    "gpt2-shakespeare as f32, 16",
    "gpt2-shakespeare as q8_0, 16",
    "stories260K, 256",
    "stories260K, 16",
    "stories260K as bf16, 16",
    "stories260K as q4_0, 256"
  })
  void eightClientsAtOnceGetWhatEachGetsAlone(String name, int chunk) throws Exception {
    EngineSettings settings = settings(chunk, false, 0, "");
    ExecutorService clients = Executors.newFixedThreadPool(8);
    try (Checkpoint checkpoint = open(name);
        HostedModel server = start(checkpoint, settings)) {
      int nLayers = checkpoint.config().nLayers();
      List<int[]> prompts = new ArrayList<>();
      List<Callable<Run>> work = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int longer = (checkpoint.config().maxSeq() - DECODED - 3) / 8;
        int[] prompt = prompt(checkpoint.config(), 3 + longer * (i + 1), i);
        int cut = i % (nLayers + 1);
        Output reply = i % 2 == 0 ? Output.HIDDEN : Output.LOGITS;
        prompts.add(prompt);
        work.add(() -> split(checkpoint, settings, server, cut, reply, prompt));
      }
      List<Future<Run>> runs = clients.invokeAll(work);
      for (int i = 0; i < runs.size(); i++) {
        Run alone = whole(checkpoint, settings, prompts.get(i));
        Run together = runs.get(i).get();
        assertThat(Bits.firstDifference(alone.logits(), together.logits()))
            .as("client " + i)
            .isEmpty();
        assertThat(together.ids()).isEqualTo(alone.ids());
      }
    } finally {
      clients.shutdownNow();
    }
  }

  /** The slowest first. */
  private static List<String> availableIsas() {
    List<String> isas = new ArrayList<>();
    for (String isa : List.of("scalar", "avx2", "avx512")) {
      try (Engine engine = new Engine(1, isa)) {
        isas.add(engine.isa());
      } catch (NativeException e) {
        assertThat(e).hasMessageContaining("is not available here");
      }
    }
    assertThat(isas).startsWith("scalar");
    return isas;
  }

  /** Reproducible: threads and instruction sets do not matter, nor does the machine at the end. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare",
    "gpt2-shakespeare as f32",
    "gpt2-shakespeare as q8_0",
    "stories260K",
    "stories260K as bf16",
    "stories260K as q4_0"
  })
  void reproducibleBitsAreEqualEverywhere(String name) throws Exception {
    try (Checkpoint checkpoint = open(name)) {
      int[] prompt = prompt(checkpoint.config(), 45, 3);
      Run reference = whole(checkpoint, settings(16, true, 1, "scalar"), prompt);
      for (String isa : availableIsas()) {
        for (int threads = 1; threads <= 3; threads++) {
          Run run = whole(checkpoint, settings(16, true, threads, isa), prompt);
          assertThat(Bits.firstDifference(reference.logits(), run.logits()))
              .as(isa + " with " + threads + " threads")
              .isEmpty();
        }
      }
      try (HostedModel server = start(checkpoint, settings(16, true, 1, "scalar"))) {
        for (int cut = 0; cut <= checkpoint.config().nLayers(); cut++) {
          Run split =
              split(checkpoint, settings(16, true, 2, ""), server, cut, Output.HIDDEN, prompt);
          assertThat(Bits.firstDifference(reference.logits(), split.logits()))
              .as("K=" + cut)
              .isEmpty();
        }
      }
    }
  }

  /** Mode fast cuts matrices into panels that do not depend on the number of threads. */
  @ParameterizedTest
  @CsvSource({"gpt2-shakespeare as f32", "gpt2-shakespeare as bf16", "stories260K"})
  void fastBitsDoNotDependOnThreads(String name) throws Exception {
    try (Checkpoint checkpoint = open(name)) {
      int[] prompt = prompt(checkpoint.config(), 100, 4);
      Run one = whole(checkpoint, settings(32, false, 1, ""), prompt);
      for (int threads = 2; threads <= 3; threads++) {
        Run run = whole(checkpoint, settings(32, false, threads, ""), prompt);
        assertThat(Bits.firstDifference(one.logits(), run.logits()))
            .as(threads + " threads")
            .isEmpty();
      }
    }
  }

  /**
   * An embedded model, or one with random weights and a context of more than 2 * 256 tokens; and
   * behind "as", the type that its matrices are converted to.
   */
  static Checkpoint open(String name) throws IOException {
    int as = name.indexOf(" as ");
    if (as >= 0) {
      DType type = DType.valueOf(name.substring(as + 4).toUpperCase(Locale.ROOT));
      return ConvertedModels.convert(open(name.substring(0, as)), type, ConversionProgress.NONE);
    }
    return switch (name) {
      case "random-gpt2" -> LongContexts.gpt2();
      case "random-llama" -> LongContexts.llama();
      case "superblocks" -> LongContexts.superblocks();
      default -> Checkpoints.open(name, Optional.empty());
    };
  }

  public static EngineSettings settings(int chunk, boolean rowExact, int threads, String isa) {
    return new EngineSettings(threads, isa, Optional.empty(), Optional.empty(), rowExact, chunk);
  }

  static HostedModel start(Checkpoint checkpoint, EngineSettings settings) throws Exception {
    return HostedModel.start(
        checkpoint, settings, ServerOptions.defaults().withAddress("127.0.0.1", 0));
  }

  static int[] prompt(ModelConfig config, int n, long seed) {
    return new Random(seed).ints(n, 3, config.vocabSize() - 1).toArray();
  }

  static Run whole(Checkpoint checkpoint, EngineSettings settings, int[] prompt) throws Exception {
    try (LocalChain chain = new LocalChain(checkpoint, settings)) {
      return run(checkpoint, List.of(chain.whole()), prompt);
    }
  }

  private static Run split(
      Checkpoint checkpoint,
      EngineSettings settings,
      HostedModel server,
      int cut,
      Output reply,
      int[] prompt)
      throws Exception {
    int nLayers = checkpoint.config().nLayers();
    try (LocalChain chain = new LocalChain(checkpoint, settings);
        ServerConnection connection =
            ServerConnection.connect(URI.create(server.uri()), ConnectionOptions.defaults())) {
      RemoteModel remote = connection.models().get(0);
      List<Stage> stages = new ArrayList<>();
      if (cut > 0) {
        stages.add(chain.stage(Span.layers(0, cut)));
      }
      stages.add(
          connection.stage(
              new StageRequest(
                  new Span(cut, nLayers, reply),
                  remote.profile(),
                  TensorHashes.of(checkpoint.hash().entries()))));
      if (reply == Output.HIDDEN) {
        stages.add(chain.stage(Span.head(nLayers)));
      }
      return run(checkpoint, stages, prompt);
    }
  }

  /** Draws with noise, so that ids depend on more than the best logit. */
  static Run run(Checkpoint checkpoint, List<Stage> stages, int[] prompt) throws Exception {
    List<Stage> recorded = new ArrayList<>(stages);
    RecordingStage last = new RecordingStage(recorded.remove(recorded.size() - 1));
    recorded.add(last);
    List<Integer> ids = new ArrayList<>();
    new GeneratorFactory(checkpoint, checkpoint.tokenizer())
        .of(recorded)
        .run(
            GenerationRequest.of(prompt)
                .sampling(SamplingOptions.builder().seed(7).build())
                .maxTokens(DECODED)
                .ignoreEos(true),
            new TokenSink() {
              @Override
              public void token(int id, @Nullable GeneratedToken details) {
                ids.add(id);
              }
            });
    return new Run(ids, last.rows());
  }
}
