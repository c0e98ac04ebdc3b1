package dev.tandem.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each malformed or unsupported field gives one line that names the file and the field. */
class GgufErrorsTest {
  private static Checkpoint model;

  private final Path file;

  GgufErrorsTest(@TempDir Path directory) {
    file = directory.resolve("model.gguf");
  }

  @BeforeAll
  static void makeModel() throws IOException {
    model = RandomModels.of("m", GgufModels.llama(), DType.F16, 1);
  }

  private static Arguments wrong(
      String what, Consumer<GgufBytes> change, String... partsOfTheMessage) {
    return Arguments.of(what, change, partsOfTheMessage);
  }

  static Stream<Arguments> wrongFiles() {
    String down = "blk.1.ffn_down.weight";
    String alignment = "general.alignment";
    return Stream.of(
        wrong("version 1", g -> g.version = 1, "version", "2 or 3", "got 1", "convert"),
        wrong("version 4", g -> g.version = 4, "version", "2 or 3", "got 4"),
        wrong("big-endian", g -> g.version = 3 << 24, "big-endian", "gguf-convert-endian"),
        wrong("too many tensors", g -> g.extraTensors = 1L << 40, "number of tensors"),
        wrong("negative tensors", g -> g.extraTensors = -100, "number of tensors", "at most"),
        wrong("one tensor too many", g -> g.extraTensors = 1, "tensor"),
        wrong("too many keys", g -> g.extraKeys = 1L << 40, "number of keys", "at most"),
        wrong(
            "duplicate key",
            g -> g.secondKey("a", 4, u32(1)).secondKey("a", 4, u32(1)),
            "a: ",
            "two"),
        wrong("unknown value type", g -> g.key("a", 13, u32(1)), "a: ", "value type", "13"),
        wrong("bool of 2", g -> g.key("a", 7, new byte[] {2}), "a: ", "bool"),
        wrong("long string", g -> g.key("a", 8, GgufBytes.number(1L << 50, 8)), "a: ", "room"),
        wrong("long array", g -> g.key("a", 9, longArray()), "a: ", "room"),
        wrong("deep arrays", g -> g.key("a", 9, deepArray(20)), "a: ", "nested"),
        wrong("alignment 0", g -> g.u32(alignment, 0), alignment, "power of two", "got 0"),
        wrong("alignment 48", g -> g.u32(alignment, 48), alignment, "power of two", "48"),
        wrong("alignment text", g -> g.text(alignment, "32"), alignment, "integer", "'32'"),
        wrong("five dimensions", g -> g.restate(down, 1, 0, 1, 1, 1, 1, 1), down, "dimensions"),
        wrong("no dimensions", g -> g.restate(down, 1, 0), down, "dimensions"),
        wrong("extent 0", g -> g.restate(down, 1, 0, 0, 256), down, "extents", "[0, 256]"),
        wrong("huge extents", g -> g.restate(down, 1, 0, 1L << 40, 1L << 40), down, "64 bits"),
        wrong("type Q2_K", g -> g.restate(down, 10, 0, 256, 256), down, "Q2_K", "Q8_0"),
        wrong("type 1000", g -> g.restate(down, 1000, 0, 256, 256), down, "type 1000"),
        wrong("offset 1", g -> g.restate(down, 1, g.offset(down) + 1, 256, 256), down, "32"),
        wrong("offset behind", g -> g.restate(down, 1, 1L << 40, 256, 256), down, "complete"),
        wrong("negative offset", g -> g.restate(down, 1, -32, 256, 256), down, "offset"),
        wrong("overlap", g -> g.restate(down, 1, g.offset(down) - 32, 256, 256), down, "behind"),
        wrong("duplicate tensor", g -> g.secondTensor(down), down, "two"),
        wrong("broken blocks", g -> g.restate(down, 8, 0, 172, 256), down, "blocks of 32", "172"),
        wrong("wrong shape", g -> g.restate(down, 1, g.offset(down), 128, 256), down, "[256, 256]"),
        wrong("missing tensor", g -> g.withoutTensor(down), down, "none"),
        wrong("unknown tensor", g -> add(g, "blk.0.x.weight"), "blk.0.x.weight", "llama"),
        wrong("feed-forward bias", g -> add(g, "blk.0.ffn_up.bias"), "blk.0.ffn_up.bias"),
        wrong("output bias alone", g -> add(g, "blk.0.attn_output.bias"), "attn_output.bias"),
        wrong("quantised vector", GgufErrorsTest::quantiseVector, "output_norm.weight", "Q8_0"),
        wrong("no architecture", g -> g.without("general.architecture"), "architecture", "nothing"),
        wrong("other architecture", g -> g.text("general.architecture", "qwen2"), "qwen2", "gpt2"),
        wrong("no context", g -> g.without("llama.context_length"), "context_length", "nothing"),
        wrong("context 0", g -> g.u32("llama.context_length", 0), "maxSeq", "got 0"),
        wrong("real context", g -> g.f32("llama.context_length", 16), "context_length", "16.0"),
        wrong("no eps", g -> g.without("llama.attention.layer_norm_rms_epsilon"), "rms_epsilon"),
        wrong("heads", g -> g.u32("llama.attention.head_count", 3), "head_count", "divisor"),
        wrong("heads per layer", GgufErrorsTest::perLayer, "head_count", "an array of 2"),
        wrong("value length", g -> g.u32("llama.attention.value_length", 8), "value_length", "64"),
        wrong("partial rotation", g -> g.u32("llama.rope.dimension_count", 32), "dimension_count"),
        wrong("vocabulary", g -> g.u32("llama.vocab_size", 511), "vocab_size", "512", "511"),
        wrong("yarn", g -> g.text("llama.rope.scaling.type", "yarn"), "scaling.type", "yarn"),
        wrong("longrope", g -> g.text("llama.rope.scaling.type", "longrope"), "longrope"),
        wrong("factor", g -> g.f32("llama.rope.scaling.factor", -1), "scaling.factor", "-1.0"),
        wrong("sliding window", g -> g.u32("llama.attention.sliding_window", 8), "sliding_window"),
        wrong("experts", g -> g.u32("llama.expert_count", 8), "expert_count", "not supported"),
        wrong("logit scale", g -> g.f32("llama.logit_scale", 0.5f), "logit_scale", "0.5"),
        wrong("softcapping", g -> g.f32("llama.final_logit_softcapping", 30), "softcapping"),
        wrong("not causal", g -> g.flag("llama.attention.causal", false), "causal", "false"),
        wrong("unknown key", g -> g.u32("llama.new_thing", 1), "llama.new_thing", "no such key"),
        wrong("activation", g -> g.text("tandem.activation", "relu"), "activation", "relu"),
        wrong("piece", g -> g.u32("split.count", 3), "split.count", "merge"),
        wrong("adapter", g -> g.text("general.type", "adapter"), "general.type", "adapter"));
  }

  private static byte[] u32(int value) {
    return GgufBytes.number(value, 4);
  }

  private static byte[] longArray() {
    return GgufBytes.joined(u32(GgufBytes.U64), GgufBytes.number(1L << 60, 8));
  }

  private static byte[] deepArray(int depth) {
    byte[] array = GgufBytes.array(GgufBytes.U8, List.of());
    for (int i = 0; i < depth; i++) {
      array = GgufBytes.array(GgufBytes.ARRAY, List.of(array));
    }
    return array;
  }

  private static void add(GgufBytes gguf, String name) {
    gguf.tensor(name, 0, new byte[1024], 256);
  }

  private static void quantiseVector(GgufBytes gguf) {
    gguf.tensor("output_norm.weight", 8, new byte[256 / 32 * 34], 256);
  }

  private static void perLayer(GgufBytes gguf) {
    gguf.key(
        "llama.attention.head_count",
        GgufBytes.ARRAY,
        GgufBytes.array(GgufBytes.U32, List.of(u32(4), u32(2))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongFiles")
  void oneLineNamesIt(String what, Consumer<GgufBytes> change, String[] parts) throws IOException {
    GgufBytes gguf = GgufModels.of(model);
    change.accept(gguf);
    assertRefused(gguf.build(), parts);
  }

  private void assertRefused(byte[] content, String... parts) throws IOException {
    Files.write(file, content);
    assertThatThrownBy(() -> Checkpoints.open(file.toString(), Optional.empty()).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(parts)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  /** Cut anywhere in the header, or within the data. */
  @Test
  void incompleteFiles() throws IOException {
    byte[] whole = GgufModels.of(model).build();
    for (int bytes : new int[] {0, 3, 4, 7, 8, 20, 24, 40, 200, 5_000, 20_000}) {
      assertRefused(Arrays.copyOf(whole, bytes), "expected");
    }
    assertRefused(Arrays.copyOf(whole, whole.length - 1), "complete");
  }

  @Test
  void anotherFileOfThatName() throws IOException {
    assertRefused("not a model at all".getBytes(StandardCharsets.UTF_8), "not a GGUF file");
  }

  @Test
  void configOptionsDoNotApply() throws IOException {
    Files.write(file, GgufModels.of(model).build());
    OpenOptions options = new OpenOptions(Optional.empty(), List.of("n_head=4"));
    assertThatThrownBy(() -> Checkpoints.open(file.toString(), options).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("leave out config");
  }
}
