package dev.tandem.peers;

import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import de.kherud.llama.TokenPrompts;
import java.io.IOException;

/** llama.cpp as {@code de.kherud:llama} packages it. */
final class LlamaCppContestant implements Contestant {
  private static final int CONTEXT = 1024;

  private final LlamaModel model;

  private LlamaCppContestant(String file, int threads) {
    model =
        new LlamaModel(
            new ModelParameters()
                .setModel(file)
                .setCtxSize(CONTEXT)
                .setThreads(threads)
                .setThreadsBatch(threads)
                .enableFlashAttn()
                .disableLog());
  }

  @Override
  public void generate(int[] promptIds, int nTokens) {
    TokenPrompts.complete(model, promptIds, nTokens);
  }

  @Override
  public void close() {
    model.close();
  }

  /** Arguments: the model file, the number of threads. */
  public static void main(String[] args) throws IOException {
    Contestant.serve(new LlamaCppContestant(args[0], Integer.parseInt(args[1])));
  }
}
