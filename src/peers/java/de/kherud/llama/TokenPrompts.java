package de.kherud.llama;

import java.util.Arrays;
import java.util.List;

/**
 * Prompts of token ids, which llama.cpp takes as a JSON array in place of a text. The binding's own
 * setter writes texts only, and what it collects is visible in this package alone.
 */
public final class TokenPrompts {
  private TokenPrompts() {}

  /**
   * The text of the token that llama.cpp puts behind a prompt greedily; empty for a special one.
   * The prompt is computed again: with its cache, the same prompts gave other tokens from run to
   * run.
   *
   * @param ids fed as they are: nothing is put before them
   */
  public static String next(LlamaModel model, List<Integer> ids) {
    return model.complete(greedy(ids.toString(), 1));
  }

  /**
   * Generates that many tokens greedily, whatever they are, behind a prompt that is computed again.
   */
  public static void complete(LlamaModel model, int[] ids, int nTokens) {
    model.complete(greedy(Arrays.toString(ids), nTokens).setIgnoreEos(true));
  }

  private static InferenceParameters greedy(String promptJson, int nTokens) {
    InferenceParameters parameters =
        new InferenceParameters("").setNPredict(nTokens).setTemperature(0).setCachePrompt(false);
    parameters.parameters.put("prompt", promptJson);
    return parameters;
  }
}
