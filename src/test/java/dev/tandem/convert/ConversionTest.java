package dev.tandem.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.ModelRuntime;
import dev.tandem.runtime.WholeRuntime;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Conversions of the embedded models run as they do; an interrupted one leaves nothing. */
@Tag("slow")
class ConversionTest {
  private static final int GUARD_SECONDS = 60;

  private final Path directory;

  ConversionTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static Checkpoint open(String model) throws IOException {
    return Checkpoints.open(model, Optional.empty());
  }

  private Path convert(String model, ConversionOptions options) throws IOException {
    Path out = directory.resolve("out.gguf");
    try (Checkpoint checkpoint = open(model)) {
      Conversion.of(checkpoint, out, options).run(ConversionProgress.NONE);
    }
    return out;
  }

  private static ConversionOptions to(DType type) {
    return new ConversionOptions(Optional.of(type), Optional.empty(), true);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(path -> String.valueOf(path.getFileName())).sorted().toList();
    }
  }

  private static int[] greedy(Checkpoint checkpoint, String prompt) throws Exception {
    try (ModelRuntime model = WholeRuntime.open(checkpoint, EngineSettings.defaults())) {
      GenerationRequest request =
          GenerationRequest.of(prompt).sampling(SamplingOptions.greedy()).maxTokens(48);
      return model.newGenerator(model.replyFor(request)).run(request, TokenSink.NONE).ids();
    }
  }

  /** f16 and f32 hold the weights of the one, f32 those of the other. */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F16, ROMEO:",
    "gpt2-shakespeare, F32, KING",
    "stories260K, F32, Once upon a time"
  })
  void aLosslessTypeGivesTheSameTokens(String name, DType type, String prompt) throws Exception {
    Path out = convert(name, to(type));
    try (Checkpoint original = open(name);
        Checkpoint converted = open(out.toString())) {
      assertThat(converted.config()).isEqualTo(original.config());
      assertThat(greedy(converted, prompt)).hasSize(48).isEqualTo(greedy(original, prompt));
      boolean sameType = original.tensor("token_embd.weight").dtype() == type;
      assertThat(converted.hash().hex().equals(original.hash().hex())).isEqualTo(sameType);
      String text = "To be,  or not\n\tto be \u00e9\u4e2d\ud83d\ude00 <|endoftext|><s>";
      for (boolean special : new boolean[] {false, true}) {
        assertThat(converted.tokenizer().encodePrompt(text, special))
            .isEqualTo(original.tokenizer().encodePrompt(text, special));
      }
      assertThat(converted.tokenizer().stopIds()).isEqualTo(original.tokenizer().stopIds());
      assertThat(converted.tokenizer().bosId()).isEqualTo(original.tokenizer().bosId());
    }
  }

  @ParameterizedTest
  @CsvSource({"gpt2-shakespeare, Q8_0", "gpt2-shakespeare, Q4_0", "stories260K, Q8_0"})
  void quantisedModelsRun(String name, DType type) throws Exception {
    Path out = convert(name, to(type));
    assertThat(names()).containsExactly("out.gguf");
    try (Checkpoint converted = open(out.toString())) {
      assertThat(converted.tensor("blk.0.ffn_up.weight").dtype()).isEqualTo(type);
      assertThat(greedy(converted, "Once")).hasSize(48);
    }
  }

  @Test
  void aGgufIsConvertedLikeAnyOther() throws Exception {
    Path first = Files.move(convert("stories260K", to(DType.F32)), directory.resolve("a.gguf"));
    byte[] again = Files.readAllBytes(convert(first.toString(), to(DType.F32)));
    byte[] name = "stories260K".getBytes(StandardCharsets.UTF_8);
    try (Checkpoint a = open(first.toString());
        Checkpoint b = open(directory.resolve("out.gguf").toString())) {
      assertThat(b.hash()).isEqualTo(a.hash());
    }
    assertThat(new String(again, StandardCharsets.ISO_8859_1))
        .doesNotContain(new String(name, StandardCharsets.ISO_8859_1)); // it is a.gguf's
  }

  @Test
  void nothingIsReplacedUnasked() throws IOException {
    Path out = Files.writeString(directory.resolve("out.gguf"), "mine");
    assertThatThrownBy(() -> convert("stories260K", ConversionOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.readString(out)).isEqualTo("mine");
    convert("stories260K", new ConversionOptions(Optional.empty(), Optional.empty(), true));
    assertThat(Files.size(out)).isGreaterThan(1000);
  }

  /** The input may be what is replaced. */
  @Test
  void ontoItself() throws IOException {
    Path out = convert("stories260K", to(DType.F32));
    String before;
    try (Checkpoint read = open(out.toString())) {
      before = read.hash().hex();
    }
    convert(out.toString(), to(DType.F16));
    convert(out.toString(), to(DType.F32));
    try (Checkpoint read = open(out.toString())) {
      assertThat(read.config().nLayers()).isEqualTo(5);
      assertThat(read.hash().hex()).isNotEqualTo(before); // f16 lost something
    }
    assertThat(names()).containsExactly("out.gguf");
  }

  @Test
  void unknownFormats() {
    assertThatThrownBy(
            () -> {
              try (Checkpoint model = open("stories260K")) {
                Conversion.of(model, directory.resolve("out.xyz"), ConversionOptions.defaults());
              }
            })
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("format must be", "out.xyz", "gguf");
  }

  @Test
  void givingUpLeavesNothing() throws IOException {
    ConversionProgress givesUp =
        new ConversionProgress() {
          @Override
          public void begin(long totalBytes) {
            assertThat(totalBytes).isPositive();
          }

          @Override
          public void advance(String tensor, long bytes) throws IOException {
            if (tensor.startsWith("blk.2")) {
              throw new InterruptedIOException("enough");
            }
          }
        };
    try (Checkpoint model = open("stories260K")) {
      Conversion conversion =
          Conversion.of(model, directory.resolve("out.gguf"), ConversionOptions.defaults());
      assertThatThrownBy(() -> conversion.run(givesUp)).isInstanceOf(InterruptedIOException.class);
    }
    assertThat(names()).isEmpty();
  }

  private Process start(String behaviour, String... before) throws IOException {
    List<String> command =
        Stream.concat(
                Stream.of(before),
                Stream.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx64m",
                    "-cp",
                    System.getProperty("java.class.path"),
                    ConversionMain.class.getName(),
                    directory.resolve("out.gguf").toString(),
                    behaviour))
            .toList();
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** Killed half-way, as by {@code kill -9}: nothing under the name; the next one cleans up. */
  @Test
  void aKilledConversionLeavesNoFileUnderTheName() throws Exception {
    Process process = start("stop-half-way");
    byte[] half = process.getInputStream().readNBytes(4);
    assertThat(new String(half, StandardCharsets.UTF_8)).isEqualTo("half");
    process.destroyForcibly();
    assertThat(process.waitFor(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(names()).hasSize(1).noneMatch("out.gguf"::equals);
    convert("stories260K", to(DType.F32));
    assertThat(names()).containsExactly("out.gguf");
  }

  /** The kernel refuses to write beyond a limit, as it does on a full disk. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void whereWritingFailsNothingIsLeft() throws Exception {
    Process process = start("run", "bash", "-c", "ulimit -f 400; exec \"$@\"", "bash");
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isEqualTo(1);
    assertThat(output).contains("cannot write", "out.gguf");
    assertThat(names()).isEmpty();
  }

  /** A matrix of 300 MB in a heap of 64 MB: stored as needed, and turned. */
  @Test
  void largeTensorsNeedLittleMemory() throws Exception {
    Process process = start("large");
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    try (Checkpoint read = open(directory.resolve("out.gguf").toString())) {
      assertThat(read.tensor("token_embd.weight").dtype()).isEqualTo(DType.Q8_0);
      assertThat(read.tensor("token_embd.weight").elements()).isEqualTo(50_257 * 1024);
    }
  }
}
