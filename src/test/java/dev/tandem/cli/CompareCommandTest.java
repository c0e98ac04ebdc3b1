package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class CompareCommandTest {
  private static final List<String> ALL = List.of("fast", "blas-kv", "blas", "naive", "java");

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void allBackendsChooseTheSameTokens() throws IOException {
    JsonNode json = tandem("compare", "ROMEO:", "-n", "12", "--json").json();
    assertThat(names(json))
        .containsExactly(
            "model", "prompt", "prompt_ids", "identical", "within_rounding", "backends");
    assertThat(json.get("identical").booleanValue()).isTrue();
    assertThat(json.get("within_rounding").booleanValue()).isTrue();
    List<String> backends = new ArrayList<>();
    for (JsonNode row : json.get("backends")) {
      backends.add(row.get("backend").textValue());
      assertThat(row.get("ids")).isEqualTo(json.get("backends").get(0).get("ids")).hasSize(12);
      assertThat(row.get("tokens_per_s").doubleValue()).isPositive();
      assertThat(row.get("speed_up").doubleValue()).isPositive();
      assertThat(row.get("largest_logit_difference").doubleValue()).isLessThan(0.01);
      assertThat(row.has("disagreement")).isFalse();
    }
    assertThat(backends).isEqualTo(ALL);
    JsonNode generated =
        tandem("generate", "ROMEO:", "-n", "12", "-t", "0", "--ignore-eos", "--json").json();
    assertThat(json.get("backends").get(0).get("ids")).isEqualTo(generated.get("ids"));
  }

  @Test
  void theTableHasALineForEachBackend() {
    String table = tandem("compare", "-c", "stories260K", "--ids", "1 403 407", "-n", "5").result();
    assertThat(table.lines().skip(3).map(line -> line.replaceFirst(" .*", "")))
        .containsExactlyElementsOf(ALL);
    assertThat(table).contains("stories260K: 3 tokens of prompt and 5 of answer");
    assertThat(table.lines().skip(3)).allSatisfy(line -> assertThat(line).endsWith("identical"));
  }

  @Test
  void someBackendsOnly() throws IOException {
    JsonNode json =
        tandem("compare", "a", "-n", "3", "--backend", "java,fast,java", "--json").json();
    assertThat(json.get("backends")).hasSize(2);
    assertThat(json.get("backends").get(0).get("backend").textValue()).isEqualTo("java");
    assertThat(json.get("backends").get(0).has("speed_up")).isFalse();
  }

  @Test
  void aShapeOfRandomWeights() throws IOException {
    JsonNode json =
        tandem(
                "compare",
                "Hello there",
                "--shape",
                "stories15M",
                "-n",
                "2",
                "--backend",
                "fast,java",
                "--json")
            .json();
    assertThat(json.get("model").textValue()).isEqualTo("stories15M");
    assertThat(json.get("identical").booleanValue()).isTrue();
  }
}
