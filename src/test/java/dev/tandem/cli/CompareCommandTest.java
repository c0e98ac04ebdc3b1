package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.measure.CompareCommand;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.settings.Backend;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
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

  private static CommandRun compare(BiFunction<Backend, Stage, Stage> watched, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Cli.run(
            "tandem compare",
            new CompareCommand(watched),
            new PrintWriter(out),
            new PrintWriter(err),
            Map.of(),
            args);
    return new CommandRun(code, out.toString(), err.toString());
  }

  /** Negative control: a backend whose logits are wrong at one position is found. */
  @Test
  void aWrongLogitFails() throws IOException {
    CommandRun run =
        compare(
            (backend, stage) ->
                backend == Backend.BLAS_KV
                    ? new Changed(stage, logits -> logits.put(17, logits.get(17) + 50))
                    : stage,
            "ROMEO:",
            "-n",
            "6",
            "--json");
    assertThat(run.code()).isEqualTo(Cli.FAILURE);
    CommandRun.assertOneLine(
        run.err(), "blas-kv and fast choose different tokens at 0", "rounding explains");
    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("identical").booleanValue()).isFalse();
    assertThat(json.get("within_rounding").booleanValue()).isFalse();
    JsonNode difference = json.get("backends").get(1).get("disagreement");
    assertThat(difference.get("id").intValue()).isEqualTo(17);
    assertThat(difference.get("gap").doubleValue())
        .isGreaterThan(difference.get("bound").doubleValue());
    assertThat(difference.get("bound").doubleValue()).isBetween(1e-6, 0.1);
    for (int other : new int[] {2, 3, 4}) {
      assertThat(json.get("backends").get(other).has("disagreement")).isFalse();
    }
  }

  /** Two tokens that are as likely: rounding may decide, and that is told but is no failure. */
  @Test
  void aNearTieIsNoFailure() throws IOException {
    CommandRun run =
        compare(
            (backend, stage) ->
                new Changed(
                    stage,
                    logits -> {
                      logits.put(17, 40);
                      logits.put(18, backend == Backend.JAVA ? 40.00001f : 39.99999f);
                    }),
            "ROMEO:",
            "-n",
            "6",
            "--backend",
            "fast,java");
    assertThat(run.result()).contains("differ at 0: 18 ", "rounding explains");
  }

  private interface Change {
    void apply(FloatBuffer logits);
  }

  /** A stage whose logits are changed. */
  private record Changed(Stage stage, Change change) implements Stage {
    @Override
    public StageSpec spec() {
      return stage.spec();
    }

    @Override
    public ArithmeticProfile profile() {
      return stage.profile();
    }

    @Override
    public Sequence openSequence(int maxPositions) throws IOException {
      return stage.openSequence(maxPositions);
    }

    @Override
    public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
      stage.step(batch, in, out);
      if (batch.totalOut() > 0) {
        change.apply(out);
      }
    }

    @Override
    public void close() {
      stage.close();
    }
  }
}
