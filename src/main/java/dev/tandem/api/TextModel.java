package dev.tandem.api;

import dev.tandem.generation.GenerationException;
import dev.tandem.generation.GenerationListener;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.model.ModelConfig;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.OptionalInt;

/** A model that continues text, independent of where its stages run. One generation at a time. */
public sealed interface TextModel extends AutoCloseable permits WholeModel, SplitModel {

  /** The model's name. */
  String name();

  /** The model's configuration. */
  ModelConfig config();

  /** The model's tokenizer. */
  Tokenizer tokenizer();

  /**
   * Whether all stages have the same arithmetic, that of the native core, so that the bits are
   * those of a whole model. Other backends than {@link Backend#FAST} are never exact.
   */
  boolean exact();

  /** Notes for the user about the computation on this machine; one line each. */
  List<String> notes();

  /**
   * The ids that the model gets for a prompt. An empty prompt is the beginning-of-sequence token,
   * if there is one. GPT-2 then also writes a text from its beginning.
   *
   * @param parseSpecial whether special tokens written out in the text become their ids
   */
  default int[] promptIds(String prompt, boolean parseSpecial) {
    return promptIds(tokenizer(), prompt, parseSpecial);
  }

  /** The same for a model with this tokenizer that is not open yet. */
  static int[] promptIds(Tokenizer tokenizer, String prompt, boolean parseSpecial) {
    int[] ids = tokenizer.encodePrompt(prompt, parseSpecial);
    OptionalInt bos = tokenizer.bosId();
    return ids.length == 0 && bos.isPresent() ? new int[] {bos.getAsInt()} : ids;
  }

  /**
   * Continues a prompt.
   *
   * @throws GenerationException if the request cannot be carried out with this model
   * @throws IOException if a server fails or refuses, or a file cannot be read
   */
  GenerationResult generate(GenerationRequest request, GenerationListener listener)
      throws IOException, GenerationException;

  /**
   * Continues a text by up to {@code maxTokens} tokens, drawn at temperature 1 with top-p 0.9 and
   * seed 0; returns only the added text.
   *
   * @throws GenerationException if the prompt does not fit the model's context
   * @throws IOException if a server fails or refuses, or a file cannot be read
   */
  default String generate(String prompt, int maxTokens) throws IOException, GenerationException {
    GenerationRequest request =
        GenerationRequest.builder(promptIds(prompt, false)).maxTokens(maxTokens).build();
    return generate(request, GenerationListener.NONE).text();
  }

  /** Frees the model; idempotent. */
  @Override
  void close();
}
