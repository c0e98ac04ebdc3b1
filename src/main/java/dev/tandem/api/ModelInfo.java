package dev.tandem.api;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;

/**
 * What a model is.
 *
 * @param name the name by which it was opened, or the one in its files
 * @param format of its files, for people, such as {@code GGUF v3}
 * @param architecture {@code gpt2} or {@code llama}
 * @param nLayers layers
 * @param dModel width of a hidden row
 * @param vocabSize logits in a row
 * @param maxSeq positions that a sequence can have at most
 */
public record ModelInfo(
    String name,
    String format,
    String architecture,
    int nLayers,
    int dModel,
    int vocabSize,
    int maxSeq) {

  static ModelInfo of(Checkpoint files) {
    ModelConfig config = files.config();
    return new ModelInfo(
        files.name(),
        files.format(),
        config.architecture().toString(),
        config.nLayers(),
        config.dModel(),
        config.vocabSize(),
        config.maxSeq());
  }
}
