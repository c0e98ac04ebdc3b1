package dev.tandem.weights;

import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Opens tokenizers from the files beside a model. */
final class TokenizerFiles {
  private TokenizerFiles() {}

  static Tokenizer ofGpt2(Folder folder, Optional<Path> given, int vocabSize) throws IOException {
    throw new ModelFormatException(folder.path(""), "no tokenizer of " + vocabSize + " ids");
  }

  static Tokenizer ofLlama2c(Folder folder, Optional<Path> given, int vocabSize)
      throws IOException {
    throw new ModelFormatException(folder.path(""), "no tokenizer of " + vocabSize + " ids");
  }
}
