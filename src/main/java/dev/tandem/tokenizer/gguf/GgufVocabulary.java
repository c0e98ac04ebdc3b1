package dev.tandem.tokenizer.gguf;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A tokenizer in the form of a GGUF file's metadata, in the order of the keys {@code
 * tokenizer.ggml.*}. Absent keys are empty lists and empty optionals.
 *
 * @param model {@code model}: {@code gpt2} (byte-level BPE, merges) or {@code llama}
 *     (SentencePiece, scores)
 * @param pre {@code pre}: the split pattern; empty if absent
 * @param tokens {@code tokens}: the written form of each id
 * @param scores {@code scores}: one for each id
 * @param tokenTypes {@code token_type}: one for each id, 1..6
 * @param merges {@code merges}: two tokens each, with a space between, the first one first
 * @param bosId {@code bos_token_id}
 * @param eosId {@code eos_token_id}
 * @param eotId {@code eot_token_id}, which ends a turn of a conversation
 * @param unknownId {@code unknown_token_id}
 * @param addBos {@code add_bos_token}: whether prompts begin with it
 * @param addEos {@code add_eos_token}: whether they end with it
 * @param addSpacePrefix {@code add_space_prefix}: whether a space is put before texts
 * @param own string values of {@code tandem.tokenizer.*} by the rest of the key: what the other
 *     keys cannot state; other programs ignore them
 */
public record GgufVocabulary(
    String model,
    String pre,
    List<String> tokens,
    List<Float> scores,
    List<Integer> tokenTypes,
    List<String> merges,
    OptionalInt bosId,
    OptionalInt eosId,
    OptionalInt eotId,
    OptionalInt unknownId,
    Optional<Boolean> addBos,
    Optional<Boolean> addEos,
    Optional<Boolean> addSpacePrefix,
    Map<String, String> own) {
  /** The prefix of the keys of {@link #own} in a file. */
  public static final String OWN_PREFIX = "tandem.tokenizer.";
}
