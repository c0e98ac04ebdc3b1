package dev.tandem.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys of the architecture that are not read: which do no harm, and why the others are refused. */
class GgufKeysTest {
  private static final String LAYOUT = "llama.tensor_data_layout";

  private static Checkpoint model;

  private final Path file;

  GgufKeysTest(@TempDir Path directory) {
    file = directory.resolve("model.gguf");
  }

  @BeforeAll
  static void makeModel() throws IOException {
    model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
  }

  private void write(Consumer<GgufBytes> change) throws IOException {
    GgufBytes gguf = GgufModels.of(model);
    change.accept(gguf);
    Files.write(file, gguf.build());
  }

  private void assertRefused(Consumer<GgufBytes> change, String... parts) throws IOException {
    write(change);
    assertThatThrownBy(() -> Checkpoints.open(file.toString(), Optional.empty()).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(parts)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n", "expected a number"));
  }

  private void assertRead(Consumer<GgufBytes> change) throws IOException {
    write(change);
    try (Checkpoint read = Checkpoints.open(file.toString(), Optional.empty())) {
      assertThat(read.hash()).isEqualTo(model.hash());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "Meta AI original pth"})
  void theUsualLayoutsAreRead(String layout) throws IOException {
    assertRead(gguf -> gguf.text(LAYOUT, layout));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "turned", "Meta AI"})
  void otherLayoutsAreRefused(String layout) throws IOException {
    assertRefused(gguf -> gguf.text(LAYOUT, layout), LAYOUT, "'reference'", "'" + layout + "'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pooling_type",
        "decoder_start_token_id",
        "expert_feed_forward_length",
        "expert_gating_func",
        "attention.sliding_window_pattern"
      })
  void harmlessKeysAreRead(String key) throws IOException {
    assertRead(gguf -> gguf.u32("llama." + key, 3));
    assertRead(gguf -> gguf.text("llama." + key, "text"));
    assertRead(gguf -> gguf.flag("llama." + key, true));
  }

  /** A value of each type that GGUF has. */
  static Stream<Arguments> values() {
    byte[] one = GgufBytes.number(1, 4);
    return Stream.of(
        Arguments.of(GgufBytes.U32, one, "got 1"),
        Arguments.of(GgufBytes.F32, GgufBytes.number(Float.floatToRawIntBits(0.5f), 4), "got 0.5"),
        Arguments.of(GgufBytes.BOOL, new byte[] {1}, "got true"),
        Arguments.of(GgufBytes.STRING, GgufBytes.string("word"), "got 'word'"),
        Arguments.of(
            GgufBytes.ARRAY,
            GgufBytes.array(GgufBytes.U32, List.of(one, one)),
            "got an array of 2"));
  }

  /** A key that is not known, and one whose feature is not supported. */
  @ParameterizedTest
  @MethodSource("values")
  void theReasonDoesNotDependOnTheType(int type, byte[] value, String got) throws IOException {
    assertRefused(
        gguf -> gguf.key("llama.new_thing", type, value),
        "llama.new_thing: expected no such key, because it is not supported",
        "--remove-metadata",
        got);
    assertRefused(
        gguf -> gguf.key("llama.expert_count", type, value),
        "llama.expert_count: expected 0, because it is not supported",
        got);
    assertRefused(gguf -> gguf.key(LAYOUT, type, value), LAYOUT + ": expected 'Meta AI", got);
    assertRead(gguf -> gguf.key("general.new_thing", type, value));
  }

  @ParameterizedTest
  @ValueSource(strings = {"expert_count", "expert_shared_count", "attention.clamp_kqv"})
  void whatIsOffIsRead(String key) throws IOException {
    assertRead(gguf -> gguf.u32("llama." + key, 0));
    assertRead(gguf -> gguf.f32("llama." + key, 0));
  }
}
