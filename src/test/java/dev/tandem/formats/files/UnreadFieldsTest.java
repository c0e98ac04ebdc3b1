package dev.tandem.formats.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.StoredTensor;
import dev.tandem.model.TestModels;
import dev.tandem.random.RandomModels;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fields of a config that no reader knows, of each kind; and a KEY=VALUE that no reader uses. */
class UnreadFieldsTest {
  @TempDir private Path folder;
  private Path llama;
  private Path gpt2;

  @BeforeEach
  void write() throws IOException {
    ModelConfig config = ForeignLayouts.llama(LinearBias.NONE, true);
    Checkpoint model = ForeignLayouts.random(config, DType.F32, 7);
    llama = Files.createDirectory(folder.resolve("llama"));
    Files.writeString(llama.resolve("config.json"), ForeignLayouts.llamaJson(config));
    Files.write(
        llama.resolve("model.safetensors"),
        StoredTensor.safetensors(ForeignLayouts.llama(model, "model.")));
    gpt2 =
        TestModels.writeGpt2(
            folder.resolve("gpt2"), RandomModels.of("gpt2", TestModels.GPT2, DType.F32, 1));
  }

  /** The notes of a model whose config has another field. */
  private static List<Note> notesWith(String field, Path model) throws IOException {
    Path config = model.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(
        config, text.replaceFirst("\\{", Matcher.quoteReplacement("{" + field + ", ")));
    return notes(model);
  }

  private static List<Note> notes(Path model, String... given) throws IOException {
    OpenOptions options = new OpenOptions(Optional.empty(), List.of(given));
    try (Checkpoint checkpoint = Checkpoints.open(model.toString(), options)) {
      return checkpoint.notes();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"attention_dropout\": 0.1",
        "\"attn_pdrop\": 0.1",
        "\"summary_activation\": \"tanh\"",
        "\"bos_token_id\": 7",
        "\"pad_token_id\": 7",
        "\"_attn_implementation\": \"sdpa\"",
        "\"_name_or_path\": \"somewhere\"",
        "\"architectures\": [\"Other\"]",
        "\"torch_dtype\": \"bfloat16\"",
        "\"transformers_version\": \"4.40.0\"",
        "\"initializer_range\": 0.02",
        "\"use_cache\": true",
        "\"pretraining_tp\": 1",
        "\"task_specific_params\": {\"text-generation\": {\"do_sample\": true}}",
        "\"learning_rate\": 0.001",
      })
  void whatDoesNotMatterIsPassedOver(String field) throws IOException {
    assertThat(notesWith(field, llama)).isEmpty();
    assertThat(notesWith(field, gpt2)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "false", "0", "0.0", "[]", "{}", "\"\"", "\"none\"", "\"None\""})
  void whatIsOffIsPassedOver(String value) throws IOException {
    assertThat(notesWith("\"attention_multiplier\": " + value, llama)).isEmpty();
    assertThat(notesWith("\"quantization_config\": " + value, gpt2)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "scale_depth",
        "logit_bump",
        "attn_logit_softcapping",
        "qk_layernorm",
        "mlp_bias",
        "rope_interleaved",
        "rotary_dims",
        "block_sparse",
        "local_window",
        "ffn_multiplier",
        "ffn_activation",
        "attention_chunk_size",
        "num_local_experts",
        "n_kv_heads",
        "n_query_groups",
        "clip_qkv",
        "quantization_config",
        "pruned_heads",
        "QK_Norm",
      })
  void whatSoundsLikeArithmeticIsRefusedByName(String key) throws IOException {
    for (Path model : new Path[] {llama, gpt2}) {
      assertThatThrownBy(() -> notesWith("\"" + key + "\": 2", model))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining(key + ": expected nothing, because it is not supported")
          .hasMessageEndingWith("got 2; set config " + key + "=null if it does not");
      assertThat(notes(model, key + "=null")).as("the user says that it is off").isEmpty();
    }
  }

  @Test
  void whatIsUsuallyTrueMayBeTrueOnly() throws IOException {
    assertThat(notesWith("\"is_causal\": true", llama)).isEmpty();
    assertThatThrownBy(() -> notesWith("\"is_causal\": false", gpt2))
        .hasMessageContaining("is_causal: expected true");
  }

  /** What a hostile config names reaches no terminal as it is, and at no length. */
  @Test
  void hostileNamesAreShownInOneShortLine() {
    String escape = "\\u001b]0;owned\\u0007\\nscale";
    for (String key : List.of(escape, "scale" + "x".repeat(1_000_000))) {
      ModelFormatException refused =
          catchThrowableOfType(
              ModelFormatException.class,
              () -> notesWith("\"" + key + "\": \"" + escape + "\"", llama));
      assertThat(refused.remedies()).hasSize(1);
      for (String shown :
          List.of(
              refused.getMessage(),
              refused.worded(Remedy::toString),
              refused.remedies().get(0).toString(),
              refused.got().orElseThrow())) {
        assertThat(shown).hasSizeLessThan(6000).doesNotContainPattern("\\p{Cntrl}");
      }
      assertThat(refused.got()).contains("?]0;owned??scale");
    }
  }

  @Test
  void hostileNamesInNotesAreShownInOneShortLine() throws IOException {
    for (String key : List.of("\\u001b[2J\\u0085frob", "frob" + "x".repeat(1_000_000))) {
      assertThat(notesWith("\"" + key + "\": 3", gpt2))
          .last()
          .asString()
          .contains("frob")
          .endsWith("change nothing, because they are unknown")
          .hasSizeLessThan(1000)
          .doesNotContainPattern("\\p{Cntrl}");
    }
  }

  @Test
  void anythingElseIsPassedOverAloud() throws IOException {
    String field = "\"frobnicate\": 3, \"colour\": \"red\", \"shade\": 0";
    String note = "assumed that the config's frobnicate, colour change nothing";
    assertThat(notesWith(field, llama)).singleElement().asString().startsWith(note);
    assertThat(notesWith(field, gpt2)).singleElement().asString().startsWith(note);
    assertThat(notes(gpt2, "frobnicate=null", "colour=null")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2, \"mscale\": 3}",
        "\"rope_scaling\": {\"rope_type\": \"default\", \"mscale\": 3}",
        "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 10000, \"mscale\": 3}",
      })
  void membersOfTheScalingAreKnownOrRefused(String field) {
    assertThatThrownBy(() -> notesWith(field, llama))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(".mscale: expected nothing")
        .hasMessageContaining("got 3");
  }

  /** With what this reader knows, so a key of another family or format is a mistake as well. */
  @ParameterizedTest
  @ValueSource(strings = {"n_heads_=2", "nhead=null", "linear=in_out", "bos_token_id=1", "dtype=x"})
  void aKeyThatNobodyAsksForIsRefused(String pair) {
    String key = pair.substring(0, pair.indexOf('='));
    assertThatThrownBy(() -> notes(llama, pair))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith("config " + key + ": no such field; this model's are ")
        .hasMessageContaining("num_attention_heads")
        .hasMessageContaining("vocab_size")
        .message()
        .doesNotContain("...");
    assertThatThrownBy(() -> notes(gpt2, pair))
        .hasMessageStartingWith("config " + key + ": no such field; this model's are ")
        .hasMessageContaining("n_head,")
        .hasMessageContaining("vocab_size")
        .message()
        .doesNotContain("...");
    assertThatThrownBy(() -> notes(Path.of("stories260K"), pair))
        .hasMessageStartingWith("config " + key + ": no such field; this model's are ");
  }

  /** Other formats of the same suffix have looked for some of these keys. */
  @Test
  void aKeyOfAnotherFlatFormatIsRefused() {
    for (String key : List.of("n_layer", "linear", "n_positions")) {
      assertThatThrownBy(() -> notes(Path.of("stories260K"), key + "=2"))
          .hasMessageStartingWith("config " + key + ": no such field; this model's are ")
          .hasMessageContaining("rope_theta");
    }
  }
}
