package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.engine.Engine;
import dev.tandem.engine.NativeException;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.runtime.SplitExactnessTest;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import dev.tandem.split.Pairs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever is combined, a split model draws what the whole model draws, and computes the same bits:
 * the place of the cut, the reply, drafts, the prefix cache, chains of servers, clients at once,
 * and the way of drawing. Each pair of values of these occurs; a long run takes all combinations.
 *
 * <p>Everything is reproducible. One server of each chain computes with AVX2 and one thread, where
 * the processor has it.
 */
@Tag("slow")
@Timeout(7200)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EveryCombinationTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final int CHUNK = 16;
  private static final int ALL = Integer.MAX_VALUE;
  private static final long CACHE_BYTES = 64 << 20;
  private static final int NEW_TOKENS = 20;
  private static final boolean AVX2 = hasAvx2();
  private static final String PROMPT =
      "What light through yonder window breaks? It is the east, and Juliet is the sun. ";
  private static final Path SMALL = Path.of("src/test/resources/models/gpt2-shakespeare-draft");

  private static boolean hasAvx2() {
    try (Engine engine = new Engine(1, "avx2")) {
      return engine.isa().equals("avx2");
    } catch (NativeException e) {
      return false;
    }
  }

  /** What the last server sends. */
  private enum Answer {
    HIDDEN(Reply.HIDDEN, 1),
    LOGITS(Reply.LOGITS, 1),
    TOP2(Reply.TOPK, 2),
    TOP8(Reply.TOPK, 8),
    TOP64(Reply.TOPK, 64);

    private final Reply reply;
    private final int k;

    Answer(Reply reply, int k) {
      this.reply = reply;
      this.k = k;
    }
  }

  /** Who guesses. */
  private enum Guesses {
    NONE,
    NGRAM,
    MODEL
  }

  /** Whether the servers keep prompts, and have seen this one. */
  private enum Prefix {
    OFF,
    NEW,
    KNOWN
  }

  /** How tokens are drawn. */
  private enum Drawing {
    GREEDY,
    PLAIN,
    COLD,
    HOT,
    PENALISED;

    GenerationRequest of(GenerationRequest request) {
      return switch (this) {
        case GREEDY -> request.temperature(0);
        case PLAIN -> request.temperature(1).topP(1);
        case COLD -> request.temperature(0.3).topP(0.9);
        case HOT -> request.temperature(2).topP(0.9);
        case PENALISED -> penalised(request.temperature(1).topP(0.9));
      };
    }

    private static GenerationRequest penalised(GenerationRequest request) {
      return request.sampling(
          request.sampling().toBuilder()
              .repeatPenalty(1.2)
              .presencePenalty(0.4)
              .frequencyPenalty(0.1)
              .logitBias(Map.of(12, 2.5, 40, -3.0))
              .build());
    }
  }

  /** One combination. */
  private record Combination(
      String model,
      int layers,
      Answer answer,
      Guesses guesses,
      Prefix prefix,
      int servers,
      Drawing drawing,
      int clients) {

    private static final List<Answer> ANSWERS = List.of(Answer.values());
    private static final List<Guesses> GUESSES = List.of(Guesses.values());
    private static final List<Prefix> PREFIXES = List.of(Prefix.values());
    private static final List<Drawing> DRAWINGS = List.of(Drawing.values());
    private static final List<Integer> CLIENTS = List.of(1, 16);

    /** One of the models' combinations, by the indices of its values. */
    static Combination of(String model, int[] values) {
      return new Combination(
          model,
          values[0],
          ANSWERS.get(values[1]),
          GUESSES.get(values[2]),
          PREFIXES.get(values[3]),
          1 + values[4],
          DRAWINGS.get(values[5]),
          CLIENTS.get(values[6]));
    }

    static Stream<Combination> of(String model, int nLayers) {
      int[] sizes = {
        nLayers + 1,
        ANSWERS.size(),
        GUESSES.size(),
        PREFIXES.size(),
        Fleet.MAX_SERVERS,
        DRAWINGS.size(),
        CLIENTS.size()
      };
      List<int[]> chosen = LONG ? Pairs.all(sizes) : Pairs.of(1, sizes);
      return chosen.stream().map(values -> of(model, values));
    }
  }

  /** Servers of one model, alone and in chains, with and without a prefix cache. */
  private static final class Fleet implements AutoCloseable {
    static final int MAX_SERVERS = 3;

    private final String model;
    private final int nLayers;
    private final TextModel whole;
    private final Map<String, List<ModelServer>> chains = new HashMap<>();
    private final Map<String, GenerationResult> expected = new HashMap<>();

    Fleet(String model) {
      this.model = model;
      whole = Tandem.model(model).type(WeightType.F32).settings(settings("")).open();
      nLayers = whole.info().nLayers();
    }

    List<ModelServer> chain(int n, boolean caches) {
      return chains.computeIfAbsent(n + " " + caches, key -> start(n, caches));
    }

    private List<ModelServer> start(int n, boolean caches) {
      List<ModelServer> servers = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        boolean other = n > 1 && i == n - 1;
        ServerBuilder builder =
            Tandem.server(model)
                .type(WeightType.F32)
                .settings(settings(other && AVX2 ? "avx2" : ""))
                .layers(i * nLayers / n, (i + 1) * nLayers / n)
                .port(0);
        servers.add((caches ? builder.prefixCache(CACHE_BYTES).sharePrefixes() : builder).start());
      }
      return servers;
    }

    /** What the whole model draws. */
    GenerationResult expected(Drawing drawing, String prompt, int seed, boolean logprobs) {
      return expected.computeIfAbsent(
          drawing + " " + seed + " " + logprobs + " " + prompt,
          key -> whole.generate(request(drawing, prompt, seed, logprobs)));
    }

    @Override
    public void close() {
      chains.values().forEach(chain -> chain.forEach(ModelServer::close));
      whole.close();
    }
  }

  private static EngineSettings settings(String isa) {
    return SplitExactnessTest.settings(CHUNK, true, 1, isa);
  }

  private static GenerationRequest request(
      Drawing drawing, String prompt, int seed, boolean logprobs) {
    GenerationRequest request =
        drawing.of(GenerationRequest.of(prompt).maxTokens(NEW_TOKENS).ignoreEos(true).seed(seed));
    return logprobs ? request.logprobs(ALL) : request;
  }

  private final Map<String, Fleet> fleets = new HashMap<>();
  private final Map<Answer, Long> topRows = new EnumMap<>(Answer.class);
  private final Map<Answer, Long> fullRows = new EnumMap<>(Answer.class);
  private int lastPrompt;

  static Stream<Combination> gpt2() {
    return Combination.of("gpt2-shakespeare", 4);
  }

  static Stream<Combination> llama() {
    return Combination.of("stories260K", 5);
  }

  @ParameterizedTest
  @MethodSource({"gpt2", "llama"})
  void theBitsAreThoseOfTheWholeModel(Combination combination) throws Exception {
    Fleet fleet = fleets.computeIfAbsent(combination.model, Fleet::new);
    List<ModelServer> chain = fleet.chain(combination.servers, combination.prefix != Prefix.OFF);
    boolean logprobs = combination.answer.reply != Reply.TOPK;
    try (SplitModel split = connect(combination, chain)) {
      String prompt =
          combination.prefix == Prefix.NEW ? PROMPT + ++lastPrompt + PROMPT : PROMPT + PROMPT;
      if (combination.prefix == Prefix.KNOWN) {
        split.generate(request(Drawing.GREEDY, prompt, 0, false));
      }
      List<Generation> running = new ArrayList<>();
      for (int seed = 0; seed < combination.clients; seed++) {
        running.add(split.start(request(combination.drawing, prompt, seed, logprobs)));
      }
      for (int seed = 0; seed < combination.clients; seed++) {
        GenerationResult result = running.get(seed).result();
        GenerationResult expected = fleet.expected(combination.drawing, prompt, seed, logprobs);
        assertThat(result.ids()).as("seed %d", seed).isEqualTo(expected.ids());
        assertThat(result.text()).isEqualTo(expected.text());
        if (logprobs) {
          assertThat(result.tokens()).as("seed %d", seed).isEqualTo(expected.tokens());
        }
      }
      count(combination, split.wireStats().fullRows());
    }
    for (ModelServer server : chain) {
      awaitNoSequences(server);
    }
  }

  private static SplitModel connect(Combination combination, List<ModelServer> chain) {
    SplitBuilder builder =
        Tandem.split(combination.model)
            .type(WeightType.F32)
            .settings(settings(""))
            .layers(combination.layers)
            .reply(combination.answer.reply)
            .topLogits(combination.answer.k);
    chain.forEach(server -> builder.server(server.uri()));
    if (combination.guesses == Guesses.NGRAM) {
      builder.draft(Draft.ngram());
    } else if (combination.guesses == Guesses.MODEL) {
      boolean gpt2 = combination.model.equals("gpt2-shakespeare");
      builder.draft(Draft.model(ModelSource.of(gpt2 ? SMALL.toString() : combination.model)));
    }
    return builder.connect();
  }

  private void count(Combination combination, long full) {
    if (combination.answer.reply == Reply.TOPK) {
      topRows.merge(combination.answer, (long) combination.clients * NEW_TOKENS, Long::sum);
      fullRows.merge(combination.answer, full, Long::sum);
    }
  }

  private static void awaitNoSequences(ModelServer server) throws InterruptedException {
    for (int i = 0; server.activeSequences() > 0; i++) {
      assertThat(i).as("waits of 10 ms").isLessThan(6000);
      Thread.sleep(10);
    }
  }

  /** How often the best logits left a draw open. */
  @AfterAll
  void close(TestReporter reporter) {
    topRows.forEach(
        (answer, rows) ->
            reporter.publishEntry(
                answer + ": whole rows asked for", fullRows.get(answer) + " of " + rows));
    fleets.values().forEach(Fleet::close);
  }
}
