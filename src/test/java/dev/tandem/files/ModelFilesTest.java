package dev.tandem.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.api.ModelException;
import dev.tandem.api.SplitModel;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.KvType;
import dev.tandem.settings.Output;
import dev.tandem.settings.WeightType;
import dev.tandem.tokenizer.Tokenizer;
import java.io.InterruptedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models' files through the public line. */
class ModelFilesTest {
  private static final String SHAKESPEARE = "gpt2-shakespeare";
  private static final String STORIES = "stories260K";
  private static final GenerationRequest GREEDY =
      GenerationRequest.of("ROMEO:").temperature(0).maxTokens(20).ignoreEos(true);

  @TempDir private Path folder;

  @Test
  void whatAModelHolds() {
    try (ModelFiles files = ModelFiles.open(STORIES)) {
      ModelDescription model = files.describe();
      assertThat(model.name()).isEqualTo(STORIES);
      assertThat(model.part()).isEmpty();
      assertThat(model.config().architecture()).isEqualTo("llama");
      assertThat(model.config().nLayers()).isEqualTo(5);
      assertThat(model.config().rope()).isEqualTo("interleaved");
      long headBytes = 4L * model.config().nKvHeads() * model.config().headDim();
      assertThat(model.kvBytesPerToken().get(KvType.F32)).isEqualTo(2 * 5 * headBytes);
      assertThat(model.kvBytesPerToken().get(KvType.F16)).isEqualTo(5 * headBytes);
      assertThat(model.tensors().stream().mapToLong(TensorInfo::bytes).sum())
          .isEqualTo(model.tensorBytes());
      assertThat(model.tensors().stream().mapToLong(each -> each.rows() * each.cols()).sum())
          .isEqualTo(model.parameters());
      assertThat(files.tokenizer().map(Tokenizer::vocabSize)).hasValue(512);
      assertThat(files.hash().orElseThrow()).matches("[0-9a-f]{64}");
    }
  }

  @Test
  void aConvertedModelIsPlannedFirst() {
    Path out = folder.resolve("small.gguf");
    try (ModelFiles files = ModelFiles.open(SHAKESPEARE)) {
      ModelOutput output = files.convert(out, WriteOptions.defaults().withType(WeightType.Q8_0));
      assertThat(output.path()).isEqualTo(out).doesNotExist();
      assertThat(output.format()).isEqualTo("gguf").isIn(ModelFiles.formats());
      assertThat(output.tensors())
          .hasSameSizeAs(files.describe().tensors())
          .anySatisfy(
              choice -> {
                assertThat(choice.source().name()).isEqualTo("token_embd.weight");
                assertThat(choice.type()).isEqualTo("q8_0");
                assertThat(choice.reason()).isEmpty();
              })
          .anySatisfy(choice -> assertThat(choice.reason()).isEqualTo("vectors are f32"));
      List<Long> done = new ArrayList<>();
      Set<Long> totals = new HashSet<>();
      output.write(
          (bytes, total) -> {
            totals.add(total);
            return done.add(bytes);
          });
      assertThat(totals).hasSize(1).allMatch(total -> total >= output.bytes());
      assertThat(done).isSorted().startsWith(0L).endsWith(totals.iterator().next());
    }
    try (ModelFiles files = ModelFiles.open(out.toString())) {
      assertThat(files.describe().tensors()).extracting(TensorInfo::type).contains("q8_0");
    }
  }

  /** A listener that stops the work leaves nothing behind. */
  @Test
  void writingCanBeStopped() throws Exception {
    try (ModelFiles files = ModelFiles.open(SHAKESPEARE)) {
      ModelOutput output = files.convert(folder.resolve("x.gguf"), WriteOptions.defaults());
      assertThatThrownBy(() -> output.write((done, total) -> done == 0))
          .isInstanceOf(ModelException.class)
          .hasCauseInstanceOf(InterruptedIOException.class);
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void whatExistsIsReplacedOnRequestOnly() throws Exception {
    Path out = Files.writeString(folder.resolve("x.gguf"), "something else");
    try (ModelFiles files = ModelFiles.open(STORIES)) {
      assertThatThrownBy(() -> files.convert(out, WriteOptions.defaults()))
          .isInstanceOf(ModelException.class)
          .hasMessage(out + " exists already")
          .hasCauseInstanceOf(FileAlreadyExistsException.class);
      Path later = folder.resolve("later.gguf");
      ModelOutput planned = files.convert(later, WriteOptions.defaults());
      Files.writeString(later, "written in between");
      assertThatThrownBy(planned::write)
          .isInstanceOf(ModelException.class)
          .hasMessage(later + " exists already");
      files.convert(out, WriteOptions.defaults().withOverwrite(true)).write();
      try (ModelFiles written = ModelFiles.open(out.toString())) {
        assertThat(written.hash()).isEqualTo(files.hash());
      }
    }
  }

  @Test
  void twoPartsWriteWhatTheWholeModelWrites() {
    Path client = folder.resolve("client.gguf");
    Path server = folder.resolve("server.gguf");
    try (ModelFiles files = ModelFiles.open(SHAKESPEARE)) {
      files.split(1, client, server, Output.LOGITS, false).forEach(ModelOutput::write);
    }
    try (ModelFiles part = ModelFiles.open(server.toString())) {
      assertThat(part.describe().part()).hasValueSatisfying(p -> assertThat(p).contains("head"));
      assertThat(part.tokenizer()).isEmpty();
      assertThatThrownBy(() -> part.split(1, client, server, Output.HIDDEN, true))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("is itself a part of a model");
    }
    try (TextModel whole = Tandem.open(SHAKESPEARE);
        var host = Tandem.server(server.toString()).port(0).start();
        SplitModel split = Tandem.split(client.toString()).server(host.uri()).connect()) {
      assertThat(split.generate(GREEDY).ids()).isEqualTo(whole.generate(GREEDY).ids());
    }
  }

  @Test
  void partsThatCannotBe() {
    Path client = folder.resolve("client.gguf");
    Path server = folder.resolve("server.gguf");
    try (ModelFiles files = ModelFiles.open(STORIES)) {
      for (int layers : new int[] {-1, 6}) {
        assertThatThrownBy(() -> files.split(layers, client, server, Output.HIDDEN, false))
            .isInstanceOf(InvalidSettingException.class)
            .hasMessage("clientLayers must be in 0..5, got " + layers);
      }
      Path same = folder.resolve("x").resolve("..").resolve("client.gguf");
      assertThatThrownBy(() -> files.split(1, client, same, Output.HIDDEN, false))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("two files");
    }
  }

  @Test
  void randomWeightsAreWritten() {
    Path out = folder.resolve("random.gguf");
    WriteOptions options = WriteOptions.defaults().withType(WeightType.Q4_0).withFormat("gguf");
    try (ModelFiles random = ModelFiles.random("stories15M", 7)) {
      random.convert(out, options).write();
    }
    try (ModelFiles written = ModelFiles.open(out.toString())) {
      assertThat(written.describe().config().dModel()).isEqualTo(288);
      assertThat(written.describe().tensors()).extracting(TensorInfo::type).contains("q4_0");
    }
    assertThat(ModelFiles.shapes()).contains("stories15M");
    assertThatThrownBy(() -> ModelFiles.random("gpt5", 7))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stories15M");
  }

  @Test
  void failuresAreOfTheFamily() {
    assertThatThrownBy(() -> ModelFiles.open(folder.resolve("none").toString()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("none");
    try (ModelFiles files = ModelFiles.open(STORIES)) {
      WriteOptions options = WriteOptions.defaults();
      assertThatThrownBy(() -> files.convert(folder.resolve("x/y.gguf"), options))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("no such directory");
      assertThatThrownBy(() -> files.convert(folder.resolve("y"), options.withFormat("abc")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("abc");
    }
  }
}
