package dev.tandem.formats.gguf;

import dev.tandem.model.Architecture;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The known {@code <architecture>.*} keys of a GGUF file. An unknown key could change the
 * arithmetic, so the error names it. A key of an unsupported feature may only state that the
 * feature is off.
 */
final class GgufKeys {
  static final String ARCHITECTURE = "general.architecture";
  static final String NAME = "general.name";

  /** Our own key for the activation, which GGUF's keys cannot state. */
  static final String ACTIVATION = "tandem.activation";

  /** Our own key for the exact base of the rotary frequencies, if an f32 cannot hold it. */
  static final String ROPE_THETA = "tandem.rope.freq_base";

  /** Our own key: whether the head is only a copy of the token embedding, for llama.cpp. */
  static final String TIED_HEAD = "tandem.head.tied";

  static final String CONTEXT_LENGTH = "context_length";
  static final String EMBEDDING_LENGTH = "embedding_length";
  static final String BLOCK_COUNT = "block_count";
  static final String FEED_FORWARD_LENGTH = "feed_forward_length";
  static final String VOCAB_SIZE = "vocab_size";
  static final String HEAD_COUNT = "attention.head_count";
  static final String HEAD_COUNT_KV = "attention.head_count_kv";
  static final String KEY_LENGTH = "attention.key_length";
  static final String VALUE_LENGTH = "attention.value_length";
  static final String LAYER_NORM_EPS = "attention.layer_norm_epsilon";
  static final String RMS_NORM_EPS = "attention.layer_norm_rms_epsilon";
  static final String ROPE_BASE = "rope.freq_base";
  static final String ROPE_DIMENSIONS = "rope.dimension_count";
  static final String ROPE_SCALING_TYPE = "rope.scaling.type";
  static final String ROPE_SCALING_FACTOR = "rope.scaling.factor";
  static final String ROPE_SCALE_LINEAR = "rope.scale_linear"; // older name of the factor
  static final String ROPE_ORIGINAL_CONTEXT = "rope.scaling.original_context_length";
  static final String SLIDING_WINDOW = "attention.sliding_window";
  static final String TENSOR_LAYOUT = "tensor_data_layout";

  private static final Set<String> SHARED =
      Set.of(
          CONTEXT_LENGTH,
          EMBEDDING_LENGTH,
          BLOCK_COUNT,
          FEED_FORWARD_LENGTH,
          VOCAB_SIZE,
          HEAD_COUNT,
          HEAD_COUNT_KV,
          KEY_LENGTH,
          VALUE_LENGTH,
          SLIDING_WINDOW);

  private static final Set<String> GPT2 = Set.of(LAYER_NORM_EPS);

  private static final Set<String> LLAMA =
      Set.of(
          RMS_NORM_EPS,
          ROPE_BASE,
          ROPE_DIMENSIONS,
          ROPE_SCALING_TYPE,
          ROPE_SCALING_FACTOR,
          ROPE_SCALE_LINEAR,
          ROPE_ORIGINAL_CONTEXT,
          "rope.scaling.finetuned"); // for people

  /** Numbers that turn a feature off. */
  private static final Map<String, Set<Double>> OFF =
      Map.ofEntries(
          Map.entry("expert_count", Set.of(0.0)),
          Map.entry("expert_used_count", Set.of(0.0)),
          Map.entry("expert_shared_count", Set.of(0.0)),
          Map.entry("expert_group_count", Set.of(0.0)),
          Map.entry("nextn_predict_layers", Set.of(0.0)),
          Map.entry("moe_every_n_layers", Set.of(0.0)),
          Map.entry("interleave_moe_layer_step", Set.of(0.0)),
          Map.entry("leading_dense_block_count", Set.of(0.0)),
          Map.entry("logit_scale", Set.of(0.0, 1.0)),
          Map.entry("embedding_scale", Set.of(0.0, 1.0)),
          Map.entry("residual_scale", Set.of(0.0, 1.0)),
          Map.entry("attention.scale", Set.of(0.0)),
          Map.entry("attention.clamp_kqv", Set.of(0.0)),
          Map.entry("attention.output_scale", Set.of(0.0, 1.0)),
          Map.entry("attention.temperature_length", Set.of(0.0)),
          Map.entry("attention.max_alibi_bias", Set.of(0.0)),
          Map.entry("attn_logit_softcapping", Set.of(0.0)),
          Map.entry("final_logit_softcapping", Set.of(0.0)),
          Map.entry("router_logit_softcapping", Set.of(0.0)),
          Map.entry("rope.scaling.yarn_log_multiplier", Set.of(0.0)),
          Map.entry("rope.scaling.attn_factor", Set.of(1.0)));

  /** Flags that turn a feature off. */
  private static final Map<String, Boolean> USUAL =
      Map.of("use_parallel_residual", false, "attention.causal", true, "swin_norm", false);

  /** What tensor_data_layout may be: the order that every reader of a Llama expects. */
  private static final Map<Architecture, Set<String>> LAYOUTS =
      Map.of(
          Architecture.GPT2, Set.of("reference"),
          Architecture.LLAMA, Set.of("reference", "Meta AI original pth"));

  /**
   * Keys that change no logits: about embedding texts, how a model was made, or, as the count of
   * experts must be 0 and a sliding window must not be effective, details of these.
   */
  private static final Set<String> HARMLESS =
      Set.of(
          "pooling_type",
          "decoder_start_token_id",
          "attention.sliding_window_pattern",
          "expert_feed_forward_length",
          "expert_shared_feed_forward_length",
          "expert_weights_scale",
          "expert_weights_norm",
          "expert_gating_func");

  private GgufKeys() {}

  /**
   * Checks that every key of an architecture is known, and off if it is not supported.
   *
   * @param architecture that of the file
   * @throws ModelFormatException naming the first key that is not
   */
  static void check(GgufMetadata metadata, Architecture architecture) throws IOException {
    Set<String> own = architecture == Architecture.GPT2 ? GPT2 : LLAMA;
    String prefix = architecture + ".";
    for (String key : metadata.keys().stream().sorted().toList()) {
      String suffix = key.startsWith(prefix) ? key.substring(prefix.length()) : "";
      boolean read = SHARED.contains(suffix) || own.contains(suffix);
      if (suffix.isEmpty() || read || HARMLESS.contains(suffix)) {
        continue;
      }
      if (suffix.equals(TENSOR_LAYOUT)) {
        checkLayout(metadata, key, LAYOUTS.getOrDefault(architecture, Set.of()));
      } else if (USUAL.containsKey(suffix)) {
        boolean usual = USUAL.getOrDefault(suffix, false);
        if (metadata.flag(key, usual) != usual) {
          throw metadata.wrong(key, usual + ", because the other is not supported");
        }
      } else if (OFF.containsKey(suffix)) {
        OptionalDouble number = metadata.number(key);
        if (number.isEmpty()
            || !OFF.getOrDefault(suffix, Set.of()).contains(number.getAsDouble())) {
          throw metadata.wrong(key, off(suffix) + ", because it is not supported");
        }
      } else {
        throw metadata.wrong(
            key,
            "no such key, because it is not supported and could change the arithmetic (if it does"
                + " not: gguf-new-metadata --remove-metadata of llama.cpp's package gguf leaves it"
                + " out)");
      }
    }
  }

  /** The number that says that a feature is off; 0, if there are two. */
  private static String off(String suffix) {
    double least =
        OFF.getOrDefault(suffix, Set.of()).stream()
            .mapToDouble(Double::doubleValue)
            .min()
            .orElse(0);
    return least == 0 ? "0" : "1";
  }

  private static void checkLayout(GgufMetadata metadata, String key, Set<String> known)
      throws IOException {
    if (!metadata.isText(key) || !known.contains(metadata.text(key))) {
      String names = known.stream().sorted().collect(Collectors.joining("' or '", "'", "'"));
      throw metadata.wrong(
          key, names + ", because no other order of the tensors' rows is supported");
    }
  }
}
