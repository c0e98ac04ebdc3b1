package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damaged and missing files on the command line. The readers' own tests try far more mutations;
 * these see to it that what the readers throw becomes one line and exit code 1.
 */
class BadFilesTest {
  private static final Path WEIGHTS = Path.of("weights");

  @TempDir private Path folder;
  private Path gpt2;
  private Path llama;

  @BeforeEach
  void copyModels() throws IOException {
    gpt2 = copy("gpt2-shakespeare");
    llama = copy("stories260K").resolve("stories260K.bin");
  }

  private Path copy(String model) throws IOException {
    Path target = Files.createDirectory(folder.resolve(model));
    try (var files = Files.list(WEIGHTS.resolve(model))) {
      for (Path file : files.toList()) {
        Files.copy(file, target.resolve(file.getFileName()));
      }
    }
    return target;
  }

  private static CommandRun generate(Path model) {
    return tandem("generate", "-c", model.toString(), "-n", "2", "-t", "0", "Once");
  }

  private static void replace(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  @Test
  void wholeCopiesWork() {
    assertThat(generate(gpt2).result()).startsWith("Once");
    assertThat(generate(llama).result()).startsWith("Once");
  }

  @Test
  void missingFilesAreNamed() throws IOException {
    Path missing = folder.resolve("no-such-model");
    generate(missing).assertFails(Cli.FAILURE, missing.toString(), "no file or directory");
    tandem("inspect", missing.toString()).assertFails(Cli.FAILURE, missing.toString());
    tandem("server", "-c", missing.toString()).assertFails(Cli.FAILURE, missing.toString());
    tandem("tokenize", "-z", missing.toString(), "x").assertFails(Cli.FAILURE, missing.toString());
    tandem("generate", "-z", missing.toString(), "x").assertFails(Cli.FAILURE, missing.toString());
    Files.delete(gpt2.resolve("merges.txt"));
    generate(gpt2).assertFails(Cli.FAILURE, "merges.txt");
  }

  @Test
  void whatADirectoryDoesNotSayIsAssumedAloud() throws IOException {
    Files.delete(gpt2.resolve("config.json"));
    CommandRun assumed = generate(gpt2);
    assertThat(assumed.code()).isZero();
    assertThat(assumed.err()).contains("assumed 3 heads of 64", "--config n_head=NUMBER");
    generate(Files.createDirectory(folder.resolve("empty")))
        .assertFails(Cli.FAILURE, "empty", "not a known model");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\0", "a\0b"})
  void whatIsNoPathIsRefused(String path) {
    tandem("generate", "-c", path).assertFails(Cli.FAILURE, "not a path");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.00001, 0.001, 0.5, 0.999999})
  void truncatedCheckpointsAreRefused(double share) throws IOException {
    for (Path file : new Path[] {gpt2.resolve("model.safetensors"), llama}) {
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(bytes, (int) (share * bytes.length)));
    }
    generate(gpt2).assertFails(Cli.FAILURE, "model.safetensors");
    generate(llama).assertFails(Cli.FAILURE, "stories260K.bin");
  }

  /** A flipped bit of a header is an error, one of a weight may be anything but a crash. */
  @Test
  void flippedBitsNeverCrash() throws IOException {
    Random random = new Random(5);
    for (Path file : new Path[] {gpt2.resolve("model.safetensors"), llama}) {
      byte[] bytes = Files.readAllBytes(file);
      for (int i = 0; i < 20; i++) {
        byte[] flipped = bytes.clone();
        int at = random.nextInt(i < 15 ? 40 : bytes.length);
        flipped[at] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, flipped);
        CommandRun run = generate(file.equals(llama) ? llama : gpt2);
        if (run.code() == 0) {
          assertThat(run.err()).isEmpty();
        } else {
          run.assertFails(Cli.FAILURE);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0,-64", "0,2147483647", "4,0", "8,-1", "12,7", "16,3", "20,-2147483648", "24,1"})
  void impossibleLlamaHeadersAreRefused(int offset, int value) throws IOException {
    byte[] bytes = Files.readAllBytes(llama);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
    Files.write(llama, bytes);
    generate(llama).assertFails(Cli.FAILURE, "stories260K.bin");
  }

  @ParameterizedTest
  @CsvSource({
    "'\"n_layer\": 4', '\"n_layer\": -4', got -4",
    "'\"n_layer\": 4', '\"n_layer\": 99999999999', n_layer",
    "'\"n_embd\": 192', '\"n_embd\": 193', n_embd",
    "'\"vocab_size\": 1024', '\"vocab_size\": 1000', 1000",
    "'\"vocab_size\": 1024', '\"vocab_size\": true', vocab_size",
    "'{', '', config.json",
  })
  void impossibleConfigsAreRefused(String from, String to, String says) throws IOException {
    replace(gpt2.resolve("config.json"), from, to);
    generate(gpt2).assertFails(Cli.FAILURE, says);
  }

  @Test
  void tokensThatTheModelLacksAreRefused() throws IOException {
    CommandRun run = tandem("generate", "-z", "gpt2", "Hello world");
    assertThat(run.code()).isEqualTo(Cli.FAILURE);
    assertThat(run.err()).contains("the tokenizer has 50257 tokens, the model 1024", "15496");
    assertThat(run.out()).isEmpty();
    Files.writeString(gpt2.resolve("merges.txt"), "not merges\n", StandardCharsets.UTF_8);
    generate(gpt2).assertFails(Cli.FAILURE, gpt2.toString());
  }
}
