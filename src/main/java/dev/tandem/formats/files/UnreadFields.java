package dev.tandem.formats.files;

import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remediable;
import dev.tandem.settings.Remedy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The fields of a config that no reader uses. A field that has nothing to do with the arithmetic,
 * or that turns its feature off, is ignored. A field whose name sounds like arithmetic is refused.
 * Any other field is ignored with a note. A {@code KEY=VALUE} that no reader uses is an error.
 */
public final class UnreadFields {
  /**
   * Fields about training, generation, other tasks, the way a program computes, and bookkeeping.
   */
  private static final Set<String> HARMLESS =
      words(
          """
          architectures auto_map dtype torch_dtype transformers_version transformers.js_config
          unsloth_fixed unsloth_version name model_name version author license
          vocab_file tokenizer_class model_max_length tokenizer_model_max_length max_sequence_length
          max_batch_size n_ctx n_special predict_special_tokens output_past max_window_layers is_llama_config
          use_cache use_flash_attn use_flash_attention attn_implementation flash flash_attention
          gradient_checkpointing gradient_accumulation_steps pretraining_tp torchscript use_bfloat16
          fp16 bf16 compile device backend chunk_size_feed_forward
          initializer_range initializer_factor init_std init_from seed router_aux_loss_coef
          router_jitter_noise output_router_logits tf_legacy_loss loss_type z_loss_weight
          output_attentions output_hidden_states output_scores return_dict use_return_dict
          return_dict_in_generate is_decoder id2label label2id num_labels problem_type
          finetuning_task task_specific_params prefix
          do_sample temperature top_k top_p typical_p num_beams num_beam_groups diversity_penalty
          early_stopping length_penalty repetition_penalty max_length min_length max_new_tokens
          no_repeat_ngram_size encoder_no_repeat_ngram_size num_return_sequences bad_words_ids
          remove_invalid_values exponential_decay_length_penalty suppress_tokens
          begin_suppress_tokens
          out_dir dataset batch_size eval_interval eval_iters eval_only log_interval
          always_save_checkpoint wandb_log wandb_project wandb_run_name learning_rate max_iters
          weight_decay beta1 beta2 grad_clip decay_lr warmup_iters lr_decay_iters min_lr
          """);

  /** Patterns of such names: dropout, special tokens, a classifier's head, private fields. */
  private static final Pattern HARMLESS_KINDS =
      Pattern.compile("(.*_)?dropout(_.*)?|.*_pdrop|drop_rate.*|.*_token_id|summary_.*|_.*");

  /** Parts of names, in lower case. */
  private static final Pattern ARITHMETIC =
      Pattern.compile(
          "scal|cap|norm|bias|rope|nope|rotary|mrope|yarn|alibi|position|window|sparse|chunk|multiplier"
              + "|factor|activation|act_fn|gelu|gated|att(n|ention)|head|query|qkv|expert|moe|logit"
              + "|residual|parallel|clip|clamp|quant|prun|lora|adapter|embed|mask|layer_types");

  /** Of the names of unknown fields in a note. */
  private static final int MAX_SHOWN_CHARS = 600;

  /** Flags that are usually true. */
  private static final Set<String> USUALLY_TRUE = Set.of("causal", "is_causal");

  private UnreadFields() {}

  /**
   * Checks the fields that are unread after a model's reader has read all fields that it knows.
   *
   * @return notes about ignored unknown fields
   * @throws ModelFormatException naming a field that could change the arithmetic, or a field from
   *     the user that no reader uses
   */
  public static List<Note> check(JsonObject config) throws ModelFormatException {
    for (String key : config.added()) {
      if (!config.isRead(key)) {
        throw new ModelFormatException(
            "config " + key,
            "no such field; this model's are " + String.join(", ", config.readKeys()),
            Remedy.leaveOut("config", key));
      }
    }
    List<String> unknown = new ArrayList<>();
    for (String key : config.keys()) {
      if (config.isRead(key) || isHarmless(key) || isUsual(config, key)) {
        continue;
      }
      requireNoArithmetic(config, key);
      unknown.add(key);
    }
    return unknown.isEmpty()
        ? List.of()
        : List.of(
            new Note(
                "assumed that the config's "
                    + Remediable.oneLine(String.join(", ", unknown), MAX_SHOWN_CHARS)
                    + " change nothing, because they are unknown"));
  }

  private static boolean isHarmless(String key) {
    return HARMLESS.contains(key) || HARMLESS_KINDS.matcher(key).matches();
  }

  private static boolean isUsual(JsonObject config, String key) throws ModelFormatException {
    return USUALLY_TRUE.contains(key) ? config.flag(key, true) : config.isOff(key);
  }

  private static void requireNoArithmetic(JsonObject config, String key)
      throws ModelFormatException {
    boolean flagged = USUALLY_TRUE.contains(key);
    if (flagged || ARITHMETIC.matcher(key.toLowerCase(Locale.ROOT)).find()) {
      throw config.wrong(
          key,
          (flagged ? "true" : "nothing")
              + ", because it is not supported and could change the arithmetic",
          Remedy.config(key, "null", "if it does not"));
    }
  }

  private static Set<String> words(String text) {
    return Set.of(text.strip().split("\\s+"));
  }
}
