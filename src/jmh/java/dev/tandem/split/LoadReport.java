package dev.tandem.split;

import dev.tandem.api.Generation;
import dev.tandem.api.GenerationListener;
import dev.tandem.api.ModelServer;
import dev.tandem.api.SplitModel;
import dev.tandem.api.Tandem;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Clients of one server, in this process and over loopback: tokens per second of all together, the
 * time between two tokens, how evenly the server shares itself out, and what a client with a long
 * prompt does to the others. Prints Markdown.
 *
 * <p>Arguments: MODEL REPLIES CLIENTS SECONDS, such as {@code gpt2.gguf topk,hidden 1,4,16,64 20}.
 */
public final class LoadReport {
  private static final int TOP = 64;
  private static final int SHORT_PROMPT = 16;
  private static final int LONG_PROMPT = 900;
  private static final int CHUNK = 256;
  private static final int CHUNK_REPEATS = 5;
  private static final long WARM_UP_NANOS = 1_000_000_000L;

  private LoadReport() {}

  /** When a client's tokens came. */
  private static final class Arrivals implements GenerationListener {
    private final List<Long> nanos = new ArrayList<>();

    @Override
    public synchronized void token(GeneratedToken token) {
      nanos.add(System.nanoTime());
    }

    /** The times between two tokens of which the later one came then; milliseconds. */
    synchronized List<Double> gaps(long from, long to) {
      List<Double> gaps = new ArrayList<>();
      for (int i = 1; i < nanos.size(); i++) {
        if (nanos.get(i) > from && nanos.get(i) <= to) {
          gaps.add((nanos.get(i) - nanos.get(i - 1)) / 1e6);
        }
      }
      return gaps;
    }

    synchronized long tokens(long from, long to) {
      return nanos.stream().filter(at -> at > from && at <= to).count();
    }
  }

  /** Clients that all generate until they are stopped. */
  private static final class Clients implements AutoCloseable {
    private final List<SplitModel> models = new ArrayList<>();
    private final List<Generation> running = new ArrayList<>();
    private final List<Arrivals> arrivals = new ArrayList<>();

    Clients(ModelSource source, ModelServer server, Reply reply, int n) {
      for (int i = 0; i < n; i++) {
        models.add(connect(source, server, reply));
      }
    }

    void start() {
      for (int i = 0; i < models.size(); i++) {
        Arrivals heard = new Arrivals();
        arrivals.add(heard);
        SplitModel model = models.get(i);
        int room = model.info().maxSeq() - SHORT_PROMPT;
        running.add(model.start(request(model, i, SHORT_PROMPT).maxTokens(room), heard));
      }
    }

    void stop() {
      running.forEach(Generation::cancel);
      running.forEach(Generation::result);
    }

    double[] gaps(long from, long to) {
      return arrivals.stream()
          .flatMap(heard -> heard.gaps(from, to).stream())
          .mapToDouble(Double::doubleValue)
          .sorted()
          .toArray();
    }

    long[] tokens(long from, long to) {
      return arrivals.stream().mapToLong(heard -> heard.tokens(from, to)).sorted().toArray();
    }

    @Override
    public void close() {
      models.forEach(SplitModel::close);
    }
  }

  private static SplitModel connect(ModelSource source, ModelServer server, Reply reply) {
    return Tandem.split(source)
        .server(server.uri())
        .layers(0)
        .reply(reply)
        .topLogits(TOP)
        .connect();
  }

  private static GenerationRequest request(SplitModel model, int seed, int nPrompt) {
    int[] prompt = new int[nPrompt];
    for (int i = 0; i < nPrompt; i++) {
      prompt[i] = (997 * i + 31 * seed + 5) % model.info().vocabSize();
    }
    return GenerationRequest.of(prompt).temperature(1).seed(seed).ignoreEos(true);
  }

  private static double quantile(double[] sorted, double q) {
    return sorted.length == 0
        ? Double.NaN
        : sorted[(int) Math.min(sorted.length - 1L, (long) (q * sorted.length))];
  }

  private static void together(
      ModelSource source, ModelServer server, Reply reply, int n, double seconds)
      throws InterruptedException {
    try (Clients clients = new Clients(source, server, reply, n)) {
      clients.start();
      sleep(WARM_UP_NANOS);
      long from = System.nanoTime();
      sleep((long) (seconds * 1e9));
      long to = System.nanoTime();
      clients.stop();
      double[] gaps = clients.gaps(from, to);
      long[] tokens = clients.tokens(from, to);
      long all = Arrays.stream(tokens).sum();
      System.out.printf(
          Locale.ROOT,
          "| %s | %d | %.1f | %.1f | %.1f | %.2f |%n",
          reply.name().toLowerCase(Locale.ROOT),
          n,
          all / ((to - from) / 1e9),
          quantile(gaps, 0.5),
          quantile(gaps, 0.99),
          (double) tokens[n - 1] / Math.max(1, tokens[0]));
    }
  }

  /** A client with a long prompt joins clients that generate. */
  private static void join(
      ModelSource source, ModelServer server, Reply reply, int n, double seconds)
      throws InterruptedException {
    try (Clients clients = new Clients(source, server, reply, n);
        SplitModel late = connect(source, server, reply)) {
      int nPrompt = Math.min(LONG_PROMPT, late.info().maxSeq() - 1);
      double chunkMs = lastChunkMs(late, nPrompt - nPrompt % CHUNK);
      clients.start();
      sleep(WARM_UP_NANOS);
      long quiet = System.nanoTime();
      sleep((long) (seconds * 1e9));
      long from = System.nanoTime();
      GenerationResult result = late.generate(request(late, 2, nPrompt).maxTokens(1));
      long to = System.nanoTime();
      clients.stop();
      double before = quantile(clients.gaps(quiet, from), 0.99);
      double[] during = clients.gaps(from, to);
      System.out.printf(
          Locale.ROOT,
          "| %s | %d | %d | %.0f | %.1f | %.1f | %.1f | %.1f | %.1f |%n",
          reply.name().toLowerCase(Locale.ROOT),
          n,
          nPrompt,
          result.timings().promptNanos() / 1e6,
          before,
          quantile(during, 0.99),
          quantile(during, 1),
          quantile(during, 0.99) - before,
          chunkMs);
    }
  }

  /**
   * The time of a prompt's last whole chunk alone: what it takes longer than without this chunk.
   */
  private static double lastChunkMs(SplitModel model, int nPrompt) {
    double[] times = new double[CHUNK_REPEATS];
    for (int i = 0; i < CHUNK_REPEATS; i++) {
      times[i] = promptMs(model, nPrompt) - promptMs(model, nPrompt - CHUNK);
    }
    Arrays.sort(times);
    return times[CHUNK_REPEATS / 2];
  }

  private static double promptMs(SplitModel model, int nPrompt) {
    return model.generate(request(model, 1, nPrompt).maxTokens(1)).timings().promptNanos() / 1e6;
  }

  private static void sleep(long nanos) throws InterruptedException {
    Thread.sleep(nanos / 1_000_000);
  }

  private static int[] numbers(String list) {
    return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  /** Measures and prints. */
  public static void main(String[] args) throws Exception {
    ModelSource source = ModelSource.of(args[0]);
    double seconds = Double.parseDouble(args[3]);
    try (ModelServer server = Tandem.server(source).port(0).maxSequences(80).start()) {
      System.out.println(
          "| reply | clients | tokens/s together | ms between tokens, median | 99% |"
              + " tokens of a client, most / fewest |\n|---|---|---|---|---|---|");
      for (String reply : args[1].split(",", -1)) {
        for (int n : numbers(args[2])) {
          together(source, server, Reply.valueOf(reply.toUpperCase(Locale.ROOT)), n, seconds);
        }
      }
      System.out.println(
          "\n| reply | clients | prompt of another | its ms | others' 99% before, ms | during |"
              + " longest | later by | its last chunk of 256 rows alone, ms |"
              + "\n|---|---|---|---|---|---|---|---|---|");
      for (String reply : args[1].split(",", -1)) {
        for (int n : numbers(args[2])) {
          join(source, server, Reply.valueOf(reply.toUpperCase(Locale.ROOT)), n, seconds);
        }
      }
    }
  }
}
