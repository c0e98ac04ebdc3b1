package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tandem.generation.FinishReason;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tokenizer.StreamingDecoder;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Text out of tokens that cut characters and stop strings anywhere. */
class GeneratedTextTest {
  private static final String[] CHARACTERS = {"a", "b", "é", "€", "😀", "😁"};
  private static final Embedder NOTHING = (ids, from, to, position, out) -> {};

  @Test
  void agreesWithDecodingEverythingAtOnce() throws Exception {
    int rounds = Boolean.getBoolean("tandem.long") ? 200_000 : 5_000;
    int stopped = 0;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      List<byte[]> pieces = pieces(random);
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(3); i > 0; i--) {
        stops.add(text(random, 1 + random.nextInt(3)));
      }
      GenerationResult result = run(pieces, stops);
      String description = "seed " + seed + ", stops " + stops;
      int n = tokensBeforeStop(pieces, stops);
      boolean isStopped = n < pieces.size();
      assertThat(result.ids()).as(description).hasSize(n);
      String said = decoded(pieces, isStopped ? n + 1 : n, !isStopped);
      assertThat(result.text()).as(description).isEqualTo(untilStop(said, stops));
      assertThat(result.finishReason())
          .as(description)
          .isEqualTo(isStopped ? FinishReason.STOP : FinishReason.LENGTH);
      stopped += isStopped ? 1 : 0;
    }
    assertThat(stopped).isBetween(rounds / 10, rounds * 9 / 10);
  }

  /** Runs a model that says the pieces one after another. */
  private static GenerationResult run(List<byte[]> pieces, List<String> stops) throws Exception {
    List<byte[]> vocabulary = new ArrayList<>(pieces);
    vocabulary.add("?".getBytes(StandardCharsets.UTF_8)); // the prompt
    int[] script = new int[pieces.size() + 1];
    Arrays.setAll(script, i -> i);
    Generator generator =
        new Generator(
            List.of(new ScriptedStage(script, vocabulary.size())),
            NOTHING,
            new ToyTokenizer(vocabulary, Set.of()));
    StringBuilder streamed = new StringBuilder();
    TokenSink listener =
        new TokenSink() {
          @Override
          public void text(String piece) {
            streamed.append(piece);
          }
        };
    GenerationResult result =
        generator.run(
            GenerationRequest.of(new int[] {pieces.size()})
                .sampling(SamplingOptions.greedy())
                .maxTokens(pieces.size())
                .stopStrings(stops),
            listener);
    assertThat(result.text()).isEqualTo(streamed.toString());
    return result;
  }

  /** A random text's UTF-8 bytes, cut at random. */
  private static List<byte[]> pieces(Random random) {
    byte[] bytes = text(random, 1 + random.nextInt(12)).getBytes(StandardCharsets.UTF_8);
    List<byte[]> pieces = new ArrayList<>();
    for (int at = 0; at < bytes.length; ) {
      int end = Math.min(bytes.length, at + 1 + random.nextInt(5));
      pieces.add(Arrays.copyOfRange(bytes, at, end));
      at = end;
    }
    if (pieces.size() > 1 && random.nextInt(4) == 0) {
      pieces.remove(pieces.size() - 1); // may leave half a character
    }
    return pieces;
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(CHARACTERS[random.nextInt(CHARACTERS.length)]);
    }
    return text.toString();
  }

  /** The whole characters of the first n pieces; at the end also what is left of half a one. */
  private static String decoded(List<byte[]> pieces, int n, boolean end) {
    StreamingDecoder decoder = new ToyTokenizer(pieces, Set.of()).decoder();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < n; i++) {
      text.append(decoder.next(i));
    }
    return end ? text.append(decoder.finish()).toString() : text.toString();
  }

  private static int tokensBeforeStop(List<byte[]> pieces, List<String> stops) {
    for (int n = 0; n < pieces.size(); n++) {
      String text = decoded(pieces, n + 1, false);
      if (stops.stream().anyMatch(text::contains)) {
        return n;
      }
    }
    return pieces.size();
  }

  private static String untilStop(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String head = text.substring(0, end);
      int longest = stops.stream().filter(head::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return head.substring(0, end - longest);
      }
    }
    return text;
  }

  /** The loop itself: a decoder that gives no text leaves nothing that a token must allocate. */
  @Test
  void tokensAllocateNothing() throws Exception {
    int[] script = new int[20_001];
    ScriptedStage stage = new ScriptedStage(script, 3);
    Generator generator = new Generator(List.of(stage), NOTHING, ToyTokenizer.silent(3));
    allocatedBytes(generator, 20_000);
    long few = allocatedBytes(generator, 1_000);
    long many = allocatedBytes(generator, 20_000);
    int bytesForIds = 4 * Integer.BYTES; // the sequence, its end, the result, what it returns
    int bytesForText = 6; // room that it gets at the start
    assertThat((many - few) / 19_000).isLessThanOrEqualTo(bytesForIds + bytesForText);
  }

  private static long allocatedBytes(Generator generator, int tokens) throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    GenerationRequest request =
        GenerationRequest.of(new int[] {1}).sampling(SamplingOptions.greedy()).maxTokens(tokens);
    long before = threads.getCurrentThreadAllocatedBytes();
    assertThat(generator.run(request, TokenSink.NONE).ids()).hasSize(tokens);
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
