package dev.tandem.formats.gguf;

import dev.tandem.model.Architecture;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.util.Map;
import java.util.Set;

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
          Map.entry("logit_scale", Set.of(0.0, 1.0)),
          Map.entry("embedding_scale", Set.of(0.0, 1.0)),
          Map.entry("residual_scale", Set.of(0.0, 1.0)),
          Map.entry("attention.scale", Set.of(0.0)),
          Map.entry("attention.clamp_kqv", Set.of(0.0)),
          Map.entry("attention.max_alibi_bias", Set.of(0.0)),
          Map.entry("attn_logit_softcapping", Set.of(0.0)),
          Map.entry("final_logit_softcapping", Set.of(0.0)),
          Map.entry("rope.scaling.attn_factor", Set.of(1.0)));

  /** Flags that turn a feature off. */
  private static final Map<String, Boolean> USUAL =
      Map.of("use_parallel_residual", false, "attention.causal", true);

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
      if (suffix.isEmpty() || SHARED.contains(suffix) || own.contains(suffix)) {
        continue;
      }
      if (USUAL.containsKey(suffix)) {
        boolean usual = USUAL.getOrDefault(suffix, false);
        if (metadata.flag(key, usual) != usual) {
          throw metadata.wrong(key, usual + ", because the other is not supported");
        }
      } else if (!OFF.getOrDefault(suffix, Set.of()).contains(metadata.real(key, Double.NaN))) {
        throw metadata.wrong(
            key,
            OFF.containsKey(suffix)
                ? "0, because it is not supported"
                : "no such key, because it is not supported and could change the arithmetic");
      }
    }
  }
}
