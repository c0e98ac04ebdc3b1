package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tandem.cli.terminal.Cli;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GenerateCommandTest {

  /** {@code generate}, greedily and a few tokens, with more arguments. */
  private static CommandRun greedy(String... args) {
    return tandem(
        Map.of("TANDEM_TEMPERATURE", "0", "TANDEM_MAX_TOKENS", "8"),
        Stream.concat(Stream.of("generate"), Arrays.stream(args)).toArray(String[]::new));
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void printsThePromptAndItsContinuation() {
    String text = greedy("ROMEO:").result();
    assertThat(text).startsWith("ROMEO:\n").endsWith(System.lineSeparator()).hasSizeGreaterThan(15);
    assertThat("ROMEO:" + greedy("ROMEO:", "--no-echo").result()).isEqualTo(text);
    assertThat(greedy("-i", "ROMEO:").result()).isEqualTo(text);
  }

  @Test
  void theModelIsConvertedWhenItIsLoaded(@TempDir Path directory) {
    String out = directory.resolve("q8.gguf").toString();
    tandem("convert", "gpt2-shakespeare", out, "--type", "q8_0").result();
    String prompt = "ROMEO:\nBut soft, what light through yonder window breaks?";
    String converted = greedy(prompt, "-n", "100", "--type", "q8_0").result();
    assertThat(converted).isEqualTo(greedy(prompt, "-n", "100", "-c", out).result());
    assertThat(converted).isNotEqualTo(greedy(prompt, "-n", "100", "--type", "q4_0").result());
    assertThat(greedy(prompt, "-n", "100", "--type", "f32", "--reproducible").result())
        .isEqualTo(greedy(prompt, "-n", "100", "--reproducible").result());
    greedy("hi", "--type", "q5_0").assertFails(CommandLine.ExitCode.USAGE, "--type", "q5_0");
  }

  @Test
  void jsonHasTheAgreedShape() throws IOException {
    JsonNode json = greedy("ROMEO:", "--json", "--seed", "7").json();
    assertThat(names(json))
        .containsExactly(
            "model",
            "prompt",
            "prompt_ids",
            "ids",
            "text",
            "finish_reason",
            "seed",
            "exact",
            "timings",
            "draft");
    assertThat(names(json.get("timings")))
        .containsExactly(
            "load_ms", "prompt_tokens", "prompt_ms", "decode_tokens", "decode_ms", "ms_per_token");
    assertThat(names(json.get("draft"))).containsExactly("proposed", "compared", "accepted");
    assertThat(json.get("model").asText()).isEqualTo("gpt2-shakespeare");
    assertThat(json.get("prompt").asText()).isEqualTo("ROMEO:");
    assertThat(json.get("ids")).hasSize(8);
    assertThat(json.get("finish_reason").asText()).isEqualTo("length");
    assertThat(json.get("seed").asLong()).isEqualTo(7);
    assertThat(json.get("exact").asBoolean()).isTrue();
    assertThat(json.get("timings").get("prompt_tokens").asInt())
        .isEqualTo(json.get("prompt_ids").size());
    assertThat("ROMEO:" + json.get("text").asText() + System.lineSeparator())
        .isEqualTo(greedy("ROMEO:").result());
  }

  @Test
  void anEmptyPromptStartsFromTheBeginningOfText() throws IOException {
    JsonNode gpt2 = greedy("--json").json();
    assertThat(gpt2.get("prompt").asText()).isEmpty();
    assertThat(gpt2.get("prompt_ids").toString()).isEqualTo("[1023]"); // <|endoftext|>
    assertThat(gpt2.get("text").asText()).isNotEmpty();
    assertThat(greedy("").result()).isEqualTo(gpt2.get("text").asText() + System.lineSeparator());
    JsonNode llama = greedy("-c", "stories260K", "--json", "").json();
    assertThat(llama.get("prompt_ids").toString()).isEqualTo("[1]");
    assertThat(llama.get("text").asText()).startsWith("Once upon a");
  }

  @Test
  void idsAreUsedAsTheyAre() throws IOException {
    JsonNode json = greedy("--ids", "1, 403", "-c", "stories260K", "--json").json();
    assertThat(json.get("prompt_ids").toString()).isEqualTo("[1,403]");
    assertThat(json.get("prompt").asText()).isEmpty();
    assertThat(json.get("text"))
        .isEqualTo(greedy("-c", "stories260K", "--json", "Once").json().get("text"));
  }

  @Test
  void aSeedRepeatsAndItsAbsenceDoesNot() throws IOException {
    String[] args = {"generate", "--json", "-n", "20", "ROMEO:"};
    JsonNode first = tandem(args).json();
    JsonNode second = tandem(args).json();
    assertThat(first.get("seed").asLong()).isNotEqualTo(second.get("seed").asLong());
    String seed = first.get("seed").asText();
    assertThat(tandem("generate", "--json", "-n", "20", "ROMEO:", "-s", seed).json().get("ids"))
        .isEqualTo(first.get("ids"));
  }

  @Test
  void stopTextsEndIt() throws IOException {
    String whole = greedy("ROMEO:", "--no-echo").result();
    String stop = whole.substring(8, 12);
    JsonNode json = greedy("ROMEO:", "--json", "--stop", "\u0001", "--stop", stop).json();
    assertThat(json.get("text").asText()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(json.get("finish_reason").asText()).isEqualTo("stop");
  }

  @Test
  void aPromptThatDoesNotFitIsRefusedAndNotShown() {
    greedy("hello\n".repeat(400)).assertFails(Cli.FAILURE, "1600 tokens", "only 256");
    greedy("--ids", "5 ".repeat(257)).assertFails(Cli.FAILURE, "257 tokens", "only 256");
    assertThat(greedy("--ids", "5 ".repeat(256)).result()).isNotEmpty();
  }

  @Test
  void standardInputIsUtf8() throws IOException {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream("é\n".getBytes(StandardCharsets.UTF_8)));
    try {
      assertThat(greedy("-", "--json").json().get("prompt").asText()).isEqualTo("é\n");
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void llama2cNamesAreUnderstood() {
    assertThat(
            greedy("--checkpoint", "stories260K", "--steps=3", "--input_prompt", "Once").result())
        .isEqualTo(greedy("-c", "stories260K", "-n", "3", "Once").result());
    greedy("--p_value", "7").assertFails(Cli.USAGE, "--top-p must be in [0, 1], got 7.0");
    assertThat(greedy("-n", "0", "--", "--steps").result())
        .isEqualTo("--steps" + System.lineSeparator());
  }

  @Test
  void argumentsMayComeFromAFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("arguments");
    Files.writeString(file, "-c stories260K\n--steps 3\n\"Once upon\"\n");
    assertThat(greedy("@" + file).result())
        .isEqualTo(greedy("-c", "stories260K", "-n", "3", "Once upon").result());
  }

  @Test
  void optionsMayComeFromTheEnvironment() throws IOException {
    Map<String, String> environment =
        Map.of(
            "TANDEM_MODEL", "stories260K",
            "TANDEM_MAX_TOKENS", "5",
            "TANDEM_JSON", "1",
            "TANDEM_PROMPT", "Once",
            "TANDEM_SEED", "");
    JsonNode json = tandem(environment, "generate").json();
    assertThat(json.get("model").asText()).isEqualTo("stories260K");
    assertThat(json.get("ids")).hasSize(5);
    assertThat(json.get("prompt").asText()).isEqualTo("Once");
    assertThat(tandem(environment, "generate", "-n", "3").json().get("ids")).hasSize(3);
    assertThat(tandem(environment, "generate", "Two").json().get("prompt").asText())
        .isEqualTo("Two");
    assertThat(tandem(environment, "generate", "--ids", "1").json().get("prompt_ids")).hasSize(1);
  }

  @Test
  void aFlagIsNotUndoneByItsVariable() {
    for (String value : List.of("true", "1", "on", "YES")) {
      CommandRun run =
          tandem(Map.of("TANDEM_VERBOSE", value), "generate", "-n", "1", "--verbose", "hi");
      assertThat(run.code()).isZero();
      assertThat(run.err()).contains("; seed ");
    }
    assertThat(tandem(Map.of("TANDEM_VERBOSE", "false"), "generate", "-n", "1", "hi").result())
        .isNotEmpty();
  }

  @Test
  void stackTracesAreForTheVerbose() {
    CommandRun run = tandem("generate", "-c", "no-such-model", "--verbose");
    assertThat(run.code()).isEqualTo(Cli.FAILURE);
    assertThat(run.err()).startsWith("tandem generate: no model").contains("\tat dev.tandem.");
  }
}
