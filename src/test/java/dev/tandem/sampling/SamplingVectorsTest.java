package dev.tandem.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.settings.SamplingOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** The committed vectors, which come from an independent implementation in JavaScript. */
class SamplingVectorsTest {
  private static final JsonNode VECTORS = read("/sampling/vectors.json");

  static JsonNode read(String resource) {
    try (InputStream in = SamplingVectorsTest.class.getResourceAsStream(resource)) {
      return new ObjectMapper().readTree(Objects.requireNonNull(in, resource));
    } catch (IOException e) {
      throw new IllegalStateException(resource, e);
    }
  }

  @Test
  void philoxGivesRandom123sKnownAnswers() {
    JsonNode answers = VECTORS.get("philox");
    assertThat(answers).hasSize(3);
    for (JsonNode answer : answers) {
      JsonNode counter = answer.get("counter");
      JsonNode key = answer.get("key");
      int[] words = new int[4];
      Philox.block(
          word(counter.get(0)),
          word(counter.get(1)),
          word(counter.get(2)),
          word(counter.get(3)),
          word(key.get(0)),
          word(key.get(1)),
          words);
      for (int i = 0; i < words.length; i++) {
        assertThat(words[i])
            .isEqualTo(Integer.parseUnsignedInt(answer.get("words").get(i).asText(), 16));
      }
    }
  }

  @Test
  void noiseAndFunctionsAgreeToTheBit() {
    for (JsonNode node : VECTORS.get("gumbel")) {
      assertBits(Gumbel.noise(word(node.get("word"))), node);
    }
    assertFunction(VECTORS.get("log"), StrictMath::log);
    assertFunction(VECTORS.get("exp"), StrictMath::exp);
  }

  @Test
  void drawsAgree() {
    assertThat(VECTORS.get("samples").size()).isGreaterThan(30);
    for (JsonNode example : VECTORS.get("samples")) {
      float[] logits = logits(example.get("logits"));
      FloatBuffer buffer = LogitMaker.direct(logits, 5);
      Sampler sampler = Samplers.of(options(example.get("options")), logits.length);
      example.get("prompt").forEach(id -> sampler.acceptPrompt(id.asInt()));
      example.get("generated").forEach(id -> sampler.accept(id.asInt()));
      for (JsonNode draw : example.get("draws")) {
        assertThat(sampler.sample(buffer, 5, draw.get("position").asInt()))
            .as("%s at position %s", example.get("name"), draw.get("position"))
            .isEqualTo(draw.get("token").asInt());
      }
    }
  }

  private static int word(JsonNode node) {
    return (int) node.asLong();
  }

  private static void assertFunction(JsonNode cases, DoubleUnaryOperator function) {
    for (JsonNode node : cases) {
      assertBits(function.applyAsDouble(Double.longBitsToDouble(bits(node.get("x")))), node);
    }
  }

  private static void assertBits(double actual, JsonNode node) {
    assertThat(Double.doubleToRawLongBits(actual))
        .as(node.toString())
        .isEqualTo(bits(node.get("bits")));
  }

  private static long bits(JsonNode node) {
    return Long.parseUnsignedLong(node.asText(), 16);
  }

  private static float[] logits(JsonNode node) {
    if (node.isObject()) {
      return made(
          node.get("vocabSize").asInt(), node.get("stream").asInt(), node.get("spread").asDouble());
    }
    float[] logits = new float[node.size()];
    for (int id = 0; id < logits.length; id++) {
      logits[id] = Float.parseFloat(node.get(id).asText());
    }
    return logits;
  }

  /** The same as madeLogits in make-vectors.mjs. */
  private static float[] made(int vocabSize, int stream, double spread) {
    float[] logits = new float[vocabSize];
    int[] words = new int[4];
    for (int id = 0; id < vocabSize; id++) {
      Philox.block(id, stream, 0, 0, 0, 0, words);
      double sum = -2;
      for (int w : words) {
        sum += (w >>> 8) * 0x1p-24;
      }
      logits[id] = (float) (sum * spread);
    }
    return logits;
  }

  private static SamplingOptions options(JsonNode node) {
    Map<Integer, Double> bias = new HashMap<>();
    node.get("logitBias")
        .properties()
        .forEach(
            e -> bias.put(Integer.parseInt(e.getKey()), Double.parseDouble(e.getValue().asText())));
    return SamplingOptions.builder()
        .temperature(node.get("temperature").asDouble())
        .topK(node.get("topK").asInt())
        .topP(node.get("topP").asDouble())
        .minP(node.get("minP").asDouble())
        .repeatPenalty(node.get("repeatPenalty").asDouble())
        .presencePenalty(node.get("presencePenalty").asDouble())
        .frequencyPenalty(node.get("frequencyPenalty").asDouble())
        .logitBias(bias)
        .seed(Long.parseUnsignedLong(node.get("seed").asText()))
        .build();
  }
}
