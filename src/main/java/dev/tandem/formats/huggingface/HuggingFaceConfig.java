package dev.tandem.formats.huggingface;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import dev.tandem.formats.families.ForeignViews;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerExport;
import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import dev.tandem.types.TypePlan;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the files beside the weights in a Hugging Face directory: the config and the tokenizer.
 */
public final class HuggingFaceConfig {
  private HuggingFaceConfig() {}

  /**
   * Writes {@code config.json} and the tokenizer's files.
   *
   * @throws ModelFormatException if a Hugging Face config cannot describe the model
   */
  public static void writeFiles(Checkpoint checkpoint, TypePlan plan, Path directory)
      throws IOException {
    ForeignViews.write(directory.resolve("config.json"), config(checkpoint, plan));
    for (Map.Entry<String, byte[]> file : TokenizerExport.huggingFace(checkpoint).entrySet()) {
      ForeignViews.write(directory.resolve(file.getKey()), file.getValue());
    }
  }

  /** Notes for the user about the written files. */
  static List<Note> notes(Checkpoint checkpoint) throws IOException {
    List<Note> notes = new ArrayList<>();
    if (RopeScalingExport.of(checkpoint).filter(scaling -> !scaling.exact()).isPresent()) {
      notes.add(
          new Note(
              "the rotary factors were rounded in f32, as llama.cpp's converter does; config.json states"
                  + " what they were computed from, so their last digits change"));
    }
    tokenizerNote(checkpoint).ifPresent(notes::add);
    return notes;
  }

  /** Notes for the user about the tokenizer's files. */
  public static Optional<Note> tokenizerNote(Checkpoint checkpoint) throws IOException {
    Map<String, byte[]> files = TokenizerExport.huggingFace(checkpoint);
    if (files.isEmpty()) {
      return Optional.of(
          new Note(
              "the tokenizer is left out, because none of the files that Tandem writes would give the"
                  + " same ids; copy the original's tokenizer.json"));
    }
    return files.containsKey("tokenizer.bin")
        ? Optional.of(
            new Note("the tokenizer is written as tokenizer.bin, which transformers does not read"))
        : Optional.empty();
  }

  private static byte[] config(Checkpoint checkpoint, TypePlan plan) throws IOException {
    ModelConfig config = checkpoint.config();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JsonObject.JSON.factory().createGenerator(out)) {
      json.setPrettyPrinter(new DefaultPrettyPrinter());
      json.writeStartObject();
      if (config.architecture() == Architecture.GPT2) {
        gpt2(json, config);
      } else {
        llama(json, config, RopeScalingExport.of(checkpoint));
      }
      json.writeNumberField("vocab_size", config.vocabSize());
      json.writeBooleanField("tie_word_embeddings", config.tiedHead());
      json.writeStringField("torch_dtype", torchType(plan.type(TensorPlan.TOKEN_EMBEDDING)));
      if (checkpoint.tokenizer().bosId().isPresent()) {
        json.writeNumberField("bos_token_id", checkpoint.tokenizer().bosId().getAsInt());
      }
      stopIds(json, checkpoint.tokenizer().stopIds().stream().sorted().toList());
      json.writeEndObject();
    }
    out.writeBytes("\n".getBytes(StandardCharsets.US_ASCII));
    return out.toByteArray();
  }

  private static void stopIds(JsonGenerator json, List<Integer> ids) throws IOException {
    if (ids.size() == 1) {
      json.writeNumberField("eos_token_id", ids.get(0));
    } else if (!ids.isEmpty()) {
      json.writeArrayFieldStart("eos_token_id");
      for (int id : ids) {
        json.writeNumber(id);
      }
      json.writeEndArray();
    }
  }

  private static String torchType(DType type) {
    return switch (type) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      default -> "float32";
    };
  }

  private static void gpt2(JsonGenerator json, ModelConfig config) throws IOException {
    architecture(json, "gpt2", "GPT2LMHeadModel");
    json.writeNumberField("n_layer", config.nLayers());
    json.writeNumberField("n_head", config.nHeads());
    json.writeNumberField("n_embd", config.dModel());
    json.writeNumberField("n_inner", config.dFf());
    json.writeNumberField("n_positions", config.maxSeq());
    json.writeFieldName("layer_norm_epsilon");
    json.writeNumber(decimal(config.normEps()));
    json.writeStringField(
        "activation_function", config.activation() == Activation.GELU_ERF ? "gelu" : "gelu_new");
  }

  private static void llama(
      JsonGenerator json, ModelConfig config, Optional<RopeScalingExport> ropeScaling)
      throws IOException {
    boolean qwen = config.bias() == LinearBias.QKV;
    architecture(json, qwen ? "qwen2" : "llama", qwen ? "Qwen2ForCausalLM" : "LlamaForCausalLM");
    json.writeNumberField("hidden_size", config.dModel());
    json.writeNumberField("intermediate_size", config.dFf());
    json.writeNumberField("num_hidden_layers", config.nLayers());
    json.writeNumberField("num_attention_heads", config.nHeads());
    json.writeNumberField("num_key_value_heads", config.nKvHeads());
    json.writeNumberField("head_dim", config.headDim());
    json.writeNumberField("max_position_embeddings", config.maxSeq());
    json.writeFieldName("rms_norm_eps");
    json.writeNumber(decimal(config.normEps()));
    json.writeNumberField("rope_theta", config.ropeTheta());
    json.writeStringField("hidden_act", "silu");
    json.writeBooleanField("attention_bias", config.bias() == LinearBias.ATTENTION);
    if (ropeScaling.isPresent()) {
      json.writeFieldName("rope_scaling");
      json.writeRawValue(ropeScaling.get().json());
    }
  }

  private static void architecture(JsonGenerator json, String type, String name)
      throws IOException {
    json.writeStringField("model_type", type);
    json.writeArrayFieldStart("architectures");
    json.writeString(name);
    json.writeEndArray();
  }

  /** The shortest decimal number that a reader rounds to the same f32. */
  private static String decimal(float value) {
    String shortest = Float.toString(value);
    return (float) Double.parseDouble(shortest) == value ? shortest : Double.toString(value);
  }
}
