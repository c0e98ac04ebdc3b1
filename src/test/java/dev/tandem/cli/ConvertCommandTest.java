package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tandem convert}, and {@code --config} of all commands that open a model. */
class ConvertCommandTest {
  private static final Path WEIGHTS = Path.of("weights");

  private final Path directory;
  private final String out;

  ConvertCommandTest(@TempDir Path directory) {
    this.directory = directory;
    this.out = directory.resolve("out.gguf").toString();
  }

  private static CommandRun greedy(String... model) {
    String[] rest = {"-t", "0", "-n", "8", "ROMEO:"};
    return tandem(
        Stream.of(new String[] {"generate"}, model, rest)
            .flatMap(Stream::of)
            .toArray(String[]::new));
  }

  @Test
  void whatIsWrittenGeneratesTheSame() {
    assertThat(tandem("convert", "gpt2-shakespeare", out).result()).isEmpty();
    assertThat(greedy("-c", out).result()).isEqualTo(greedy().result());
    assertThat(tandem("tokenize", "-z", out, "To be").result())
        .isEqualTo(tandem("tokenize", "To be").result());
  }

  @Test
  void verboseListsTheTypeOfEachTensorAndWhy() {
    CommandRun run =
        tandem("convert", "stories260K", out, "--type", "Q4_0", "--verbose", "--format", "gguf");
    assertThat(run.code()).isZero();
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines())
        .anyMatch(line -> line.matches("token_embd.weight +\\[512, 64\\] +f32 -> q8_0 \\(.*"))
        .anyMatch(line -> line.matches("blk.0.attn_q.weight +\\[64, 64\\] +f32 -> q4_0"))
        .anyMatch(line -> line.matches("blk.4.ffn_down.weight +\\[64, 172\\] +f32 -> f16 \\(.*"))
        .anyMatch(line -> line.matches("output_norm.weight +\\[1, 64\\] +f32 -> f32 \\(.*"))
        .anyMatch(line -> line.matches(".*out.gguf: 47 tensors \\(.*\\), [0-9,]+ B"));
  }

  @Test
  void whatIsThereIsReplacedOnlyWhenAsked() throws IOException {
    Files.writeString(Path.of(out), "mine");
    tandem("convert", "stories260K", out).assertFails(1, out, "exists already", "--force");
    assertThat(Files.readString(Path.of(out))).isEqualTo("mine");
    assertThat(tandem("convert", "stories260K", out, "--force").result()).isEmpty();
    assertThat(Files.size(Path.of(out))).isGreaterThan(1_000_000);
  }

  @Test
  void wrongUses() {
    tandem("convert", "stories260K").assertFails(2, "OUT");
    tandem("convert", "stories260K", out, "--type", "q6_k").assertFails(2, "--type", "q4_0");
    tandem("convert", "stories260K", "x.abc").assertFails(2, "x.abc", "--format", "gguf");
    tandem("convert", "stories260K", out, "--format", "abc").assertFails(2, "abc", "gguf");
    tandem("convert", "no-such-model", out).assertFails(1, "no-such-model");
    String elsewhere = directory.resolve("no/x.gguf").toString();
    tandem("convert", "stories260K", elsewhere).assertFails(1, "no such directory");
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void aTokenizerOfAnotherSizeIsNoted() {
    CommandRun run = tandem("convert", "stories260K", out, "-z", "gpt2");
    assertThat(run.code()).isZero();
    assertThat(run.err()).contains("the tokenizer has 50257 tokens, the model 512");
  }

  /** What is not a model, or not the same kind of thing, is never replaced. */
  @Test
  void forceReplacesModelsOnly() throws IOException {
    Path precious = Files.createDirectory(directory.resolve("precious"));
    Files.writeString(precious.resolve("thesis.txt"), "years of work");
    for (String format : new String[] {"hf", "gguf"}) {
      String[] into = {"--format", format, "--force"};
      tandem("convert", "stories260K", precious.toString(), into[0], into[1], into[2])
          .assertFails(1, "thesis.txt", "not replaced");
    }
    assertThat(precious.resolve("thesis.txt")).hasContent("years of work");
    String model = directory.resolve("model").toString();
    assertThat(tandem("convert", "stories260K", model, "--format", "hf").code()).isZero();
    assertThat(tandem("convert", "stories260K", model, "--format", "hf", "--force").code())
        .isZero();
    tandem("convert", "stories260K", model, "--format", "gguf", "--force")
        .assertFails(1, "is a directory", "not replaced");
    assertThat(Path.of(model)).isDirectoryContaining(file -> file.endsWith("config.json"));
  }

  /** Dumps beside safetensors do not hide them. */
  @Test
  void safetensorsComeFirstInADirectory() throws IOException {
    String model = directory.resolve("model").toString();
    assertThat(tandem("convert", "gpt2-shakespeare", model, "--format", "hf").code()).isZero();
    for (String stray : new String[] {"model.bin", "wte.npy", "wpe.npy"}) {
      Files.write(directory.resolve("model").resolve(stray), new byte[100]);
    }
    assertThat(tandem("inspect", model).result()).contains("(safetensors)");
  }

  @Test
  void aDirectoryWithOneGgufFileIsThatModel() throws IOException {
    Path folder = Files.createDirectory(directory.resolve("repository"));
    String one = folder.resolve("one.gguf").toString();
    assertThat(tandem("convert", "gpt2-shakespeare", one).code()).isZero();
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"gpt2\"}");
    assertThat(greedy("-c", folder.toString()).result()).isEqualTo(greedy().result());
    Files.copy(Path.of(one), folder.resolve("two.gguf"));
    tandem("inspect", folder.toString()).assertFails(1, "several GGUF files", "one.gguf, two.gguf");
  }

  /** What a llama2.c file does not say may be stated; what it says, not otherwise. */
  @Test
  void configOfLlama2c() {
    assertThat(tandem("inspect", "stories260K", "--config", "rope_theta=500").result())
        .contains("ropeTheta    500.0", "normEps      1.0E-5");
    assertThat(tandem("inspect", "stories260K", "--config", "rms_norm_eps=1e-6").result())
        .contains("ropeTheta    10000.0", "normEps      1.0E-6");
    tandem("inspect", "stories260K", "--config", "num_attention_heads=4")
        .assertFails(1, "num_attention_heads", "8, as the model's file says");
    tandem("inspect", "stories260K", "--config", "hidden_act=gelu").assertFails(1, "hidden_act");
    tandem("inspect", "stories260K", "--config", "attention_bias=true").assertFails(1, "biases");
    tandem("inspect", "stories260K", "--config", "rope_thta=500")
        .assertFails(
            1, "config rope_thta: no such field", "rope_theta", "; leave out --config rope_thta");
  }

  /** The config is given in pieces, and takes the place of what is beside the model. */
  @Test
  void configOfAnyCommand() throws IOException {
    Path folder = Files.createDirectory(directory.resolve("m"));
    for (String file : new String[] {"model.safetensors", "vocab.json", "merges.txt"}) {
      Files.copy(WEIGHTS.resolve("gpt2-shakespeare").resolve(file), folder.resolve(file));
    }
    Path config = WEIGHTS.resolve("gpt2-shakespeare/config.json");
    String given = "--config=" + config;
    String model = folder.resolve("model.safetensors").toString();
    assertThat(tandem("inspect", model).out()).contains("nHeads       3"); // assumed
    assertThat(tandem("inspect", model, given).result()).contains("nHeads       4");
    String[] six = {given, "--config", "n_head=6"};
    assertThat(tandem("inspect", model, six[0], six[1], six[2]).result())
        .contains("nHeads       6");
    assertThat(greedy("-c", model, given).result()).isEqualTo(greedy().result());
    assertThat(tandem("convert", model, out, six[0], six[1], six[2]).result()).isEmpty();
    assertThat(tandem("inspect", out).result()).contains("nHeads       6");
    greedy("-c", out, "--config", "n_head=4").assertFails(1, "GGUF", "--config");
  }
}
