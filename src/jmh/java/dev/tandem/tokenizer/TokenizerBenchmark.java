package dev.tandem.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.EncodingType;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.files.TestTokenizers;
import dev.tandem.tokenizer.files.Tokenizers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Time per character to encode and decode with GPT-2's vocabulary. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class TokenizerBenchmark {
  private static final int CHARS = 10_000;
  private static final int RANDOM_TEXTS = 64; // with many more words than the cache has places
  private static final long SEED = 42;

  /** English prose, always the same; or random texts over all of Unicode in turn. */
  @Param({"prose", "unicode"})
  public String text;

  private Tokenizer tokenizer;
  private List<String> texts;
  private List<int[]> ids;
  private int next;

  /** Compares the prose's ids with an independent implementation's, and decodes all. */
  @Setup(Level.Trial)
  public void verify() {
    tokenizer = Tokenizers.gpt2();
    texts =
        switch (text) {
          case "prose" -> List.of(prose());
          case "unicode" -> unicode();
          default -> throw new IllegalArgumentException("no text '" + text + "'");
        };
    ids = texts.stream().map(t -> tokenizer.encode(t, false)).toList();
    if (text.equals("prose") && !Arrays.equals(ids.get(0), oracleIds(texts.get(0)))) {
      throw new IllegalStateException("not the ids of JTokkit");
    }
    if (!ids.stream().map(tokenizer::decode).toList().equals(texts)) {
      throw new IllegalStateException("decoding does not give the text again");
    }
  }

  private static int[] oracleIds(String input) {
    return Encodings.newDefaultEncodingRegistry()
        .getEncoding(EncodingType.R50K_BASE)
        .encodeOrdinary(input)
        .toArray();
  }

  private static String prose() {
    String excerpt = new String(TestTokenizers.resource("excerpt.txt"), UTF_8);
    return excerpt.repeat(CHARS / excerpt.length() + 1).substring(0, CHARS);
  }

  private static List<String> unicode() {
    RandomText random = new RandomText(new Random(SEED));
    List<String> all = new ArrayList<>();
    for (int i = 0; i < RANDOM_TEXTS; i++) {
      StringBuilder one = new StringBuilder();
      while (one.length() < CHARS) {
        one.append(random.next());
      }
      one.setLength(CHARS);
      if (Character.isHighSurrogate(one.charAt(CHARS - 1))) {
        one.setCharAt(CHARS - 1, 'a');
      }
      all.add(one.toString());
    }
    return all;
  }

  /** The text's ids. */
  @Benchmark
  @OperationsPerInvocation(CHARS)
  public int[] encode() {
    return tokenizer.encode(texts.get(turn()), false);
  }

  /** The ids' text. */
  @Benchmark
  @OperationsPerInvocation(CHARS)
  public String decode() {
    return tokenizer.decode(ids.get(turn()));
  }

  private int turn() {
    next = (next + 1) % texts.size();
    return next;
  }
}
