package dev.tandem.api;

import static dev.tandem.ThreadPerTask.THREADS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.api.Combination.Answer;
import dev.tandem.api.Combination.Connections;
import dev.tandem.api.Combination.Drawing;
import dev.tandem.api.Combination.Guesses;
import dev.tandem.api.Combination.Prefix;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.Reply;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;
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
 * Everything is reproducible.
 */
@Tag("slow")
@Timeout(14_400)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EveryCombinationTest {
  private static final boolean LONG = Boolean.getBoolean("tandem.long");
  private static final int ALL = Integer.MAX_VALUE;
  private static final int NEW_TOKENS = LONG ? 12 : 20;
  private static final String GPT2 = "gpt2-shakespeare";
  private static final String LLAMA = "stories260K";
  private static final String KNOWN = "What light through yonder window? What light";

  private final Map<String, Fleet> fleets =
      Map.of(
          GPT2,
          new Fleet(GPT2, "src/test/resources/models/gpt2-shakespeare-draft"),
          LLAMA,
          new Fleet(LLAMA, LLAMA));
  private final Map<Answer, Long> topRows = new EnumMap<>(Answer.class);
  private final Map<Answer, Long> fullRows = new EnumMap<>(Answer.class);
  private final Map<List<ModelServer>, Integer> newPrompts = new HashMap<>();
  private final List<SplitModel> clients = new ArrayList<>();
  private Connections connections = new Connections("", 0, Answer.HIDDEN, Guesses.NONE, 0, false);

  static Stream<Combination> gpt2() {
    return Combination.of(GPT2, 4, LONG);
  }

  static Stream<Combination> llama() {
    return Combination.of(LLAMA, 5, LONG);
  }

  @ParameterizedTest
  @MethodSource({"gpt2", "llama"})
  void theBitsAreThoseOfTheWholeModel(Combination combination) throws Exception {
    Fleet fleet = Objects.requireNonNull(fleets.get(combination.model()));
    List<ModelServer> chain =
        fleet.chain(combination.servers(), combination.prefix() != Prefix.OFF);
    List<SplitModel> some = connect(fleet, combination);
    String prompt = KNOWN;
    if (combination.prefix() == Prefix.NEW) {
      prompt = newPrompts.merge(chain, 1, Integer::sum) + ": " + KNOWN;
    } else if (combination.prefix() == Prefix.KNOWN) {
      makeKnown(fleet, combination, some.get(0));
    }
    long full = sum(some, WireStats::fullRows);
    generateAll(fleet, combination, some, prompt);
    if (combination.answer().reply == Reply.TOPK) {
      topRows.merge(combination.answer(), (long) some.size() * NEW_TOKENS, Long::sum);
      fullRows.merge(combination.answer(), sum(some, WireStats::fullRows) - full, Long::sum);
    }
    for (ModelServer server : chain) {
      awaitNoSequences(server);
    }
  }

  /** Lets the servers see the prompt, and then sees that they know it. */
  private static void makeKnown(Fleet fleet, Combination combination, SplitModel client) {
    GenerationRequest request = GenerationRequest.of(KNOWN).temperature(0).maxTokens(1);
    GenerationResult unused = client.generate(request);
    long sent = client.wireStats().bytesSent();
    unused = client.generate(request);
    long rows = (long) combination.servers() * client.tokenizer().encode(KNOWN, false).length;
    assertThat(client.wireStats().bytesSent() - sent)
        .as("bytes sent where the prompt is known")
        .isLessThan(rows * fleet.rowBytes());
  }

  /** So many clients, with the connections of the combination before where they are equal. */
  private List<SplitModel> connect(Fleet fleet, Combination combination) {
    if (!connections.equals(combination.connections())) {
      clients.forEach(SplitModel::close);
      clients.clear();
      connections = combination.connections();
    }
    List<CompletableFuture<SplitModel>> connecting = new ArrayList<>();
    for (int i = clients.size(); i < combination.clients(); i++) {
      Connections how = connections;
      connecting.add(CompletableFuture.supplyAsync(() -> fleet.connect(how), THREADS));
    }
    connecting.forEach(client -> clients.add(client.join()));
    return clients.subList(0, combination.clients());
  }

  private static GenerationRequest request(
      Drawing drawing, String prompt, int seed, boolean logprobs) {
    GenerationRequest request =
        drawing.of(GenerationRequest.of(prompt).maxTokens(NEW_TOKENS).ignoreEos(true).seed(seed));
    return logprobs ? request.logprobs(ALL) : request;
  }

  private static void generateAll(
      Fleet fleet, Combination combination, List<SplitModel> some, String prompt) {
    Drawing drawing = combination.drawing();
    boolean logprobs = combination.answer().reply != Reply.TOPK;
    List<GenerationRequest> requests = new ArrayList<>();
    List<CompletableFuture<GenerationResult>> running = new ArrayList<>();
    for (int seed = 0; seed < some.size(); seed++) {
      GenerationRequest request = request(drawing, prompt, seed, logprobs);
      SplitModel client = some.get(seed);
      requests.add(request);
      running.add(CompletableFuture.supplyAsync(() -> client.generate(request), THREADS));
    }
    for (int seed = 0; seed < some.size(); seed++) {
      GenerationResult result = running.get(seed).join();
      String key = drawing + " " + seed + " " + logprobs + " " + prompt;
      Fleet.Expected expected = fleet.expected(key, requests.get(seed));
      if (!Fleet.Expected.of(result).equals(expected)) {
        GenerationResult whole = fleet.wholeResult(requests.get(seed));
        assertThat(result.ids()).as("seed %d", seed).isEqualTo(whole.ids());
        assertThat(result.text()).as("seed %d", seed).isEqualTo(whole.text());
        assertThat(result.tokens()).as("seed %d", seed).isEqualTo(whole.tokens());
        throw new AssertionError("the whole model draws something else each time");
      }
    }
  }

  private static long sum(List<SplitModel> some, ToLongFunction<WireStats> part) {
    return some.stream().mapToLong(client -> part.applyAsLong(client.wireStats())).sum();
  }

  private static void awaitNoSequences(ModelServer server) throws InterruptedException {
    for (int i = 0; server.activeSequences() > 0; i++) {
      assertThat(i).as("waits of 1 ms").isLessThan(60_000);
      Thread.sleep(1);
    }
  }

  /** How often the best logits left a draw open. */
  @AfterAll
  void close(TestReporter reporter) {
    topRows.forEach(
        (answer, rows) ->
            reporter.publishEntry(
                answer + ": whole rows asked for", fullRows.get(answer) + " of " + rows));
    if (!Fleet.AVX2) {
      reporter.publishEntry("no AVX2", "the last server of a chain computes as the others do");
    }
    clients.forEach(SplitModel::close);
    fleets.values().forEach(Fleet::close);
  }
}
