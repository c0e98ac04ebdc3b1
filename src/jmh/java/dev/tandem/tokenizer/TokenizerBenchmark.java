package dev.tandem.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.EncodingType;
import java.util.Arrays;
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
  private static final long SEED = 42;

  /** English prose; or random text over all of Unicode, whose words no cache knows for long. */
  @Param({"prose", "unicode"})
  public String text;

  private Tokenizer tokenizer;
  private String input;
  private int[] ids;

  /** Compares the prose's ids with an independent implementation's, and decodes them. */
  @Setup(Level.Trial)
  public void verify() {
    tokenizer = Tokenizers.gpt2();
    input =
        switch (text) {
          case "prose" -> prose();
          case "unicode" -> unicode();
          default -> throw new IllegalArgumentException("no text '" + text + "'");
        };
    ids = tokenizer.encode(input, false);
    if (text.equals("prose") && !Arrays.equals(ids, oracleIds())) {
      throw new IllegalStateException("not the ids of JTokkit");
    }
    if (!tokenizer.decode(ids).equals(input)) {
      throw new IllegalStateException("decoding does not give the text again");
    }
  }

  private int[] oracleIds() {
    return Encodings.newDefaultEncodingRegistry()
        .getEncoding(EncodingType.R50K_BASE)
        .encodeOrdinary(input)
        .toArray();
  }

  private static String prose() {
    String excerpt = new String(TestTokenizers.resource("excerpt.txt"), UTF_8);
    return excerpt.repeat(CHARS / excerpt.length() + 1).substring(0, CHARS);
  }

  private static String unicode() {
    RandomText texts = new RandomText(new Random(SEED));
    StringBuilder all = new StringBuilder();
    while (all.length() < CHARS) {
      all.append(texts.next());
    }
    all.setLength(CHARS);
    if (Character.isHighSurrogate(all.charAt(CHARS - 1))) {
      all.setCharAt(CHARS - 1, 'a');
    }
    return all.toString();
  }

  /** The text's ids. */
  @Benchmark
  @OperationsPerInvocation(CHARS)
  public int[] encode() {
    return tokenizer.encode(input, false);
  }

  /** The ids' text. */
  @Benchmark
  @OperationsPerInvocation(CHARS)
  public String decode() {
    return tokenizer.decode(ids);
  }
}
