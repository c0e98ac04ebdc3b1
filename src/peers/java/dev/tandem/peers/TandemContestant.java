package dev.tandem.peers;

import dev.tandem.api.EngineSettings;
import dev.tandem.api.WholeModel;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationException;
import dev.tandem.generation.GenerationListener;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.sampling.SamplingOptions;
import java.io.IOException;
import java.util.Optional;

/** This engine, through its public interface. */
final class TandemContestant implements Contestant {
  private final Checkpoint checkpoint;
  private final WholeModel model;

  private TandemContestant(String file, int threads) throws IOException {
    checkpoint = Checkpoints.open(file, Optional.empty());
    model = WholeModel.open(checkpoint, EngineSettings.defaults().withThreads(threads));
  }

  @Override
  public void generate(int[] promptIds, int nTokens) throws IOException {
    try {
      model.generate(
          GenerationRequest.builder(promptIds)
              .sampling(SamplingOptions.greedy())
              .ignoreEos(true)
              .maxTokens(nTokens)
              .build(),
          GenerationListener.NONE);
    } catch (GenerationException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    model.close();
    checkpoint.close();
  }

  /** Arguments: the model file, the number of threads. */
  public static void main(String[] args) throws IOException {
    Contestant.serve(new TandemContestant(args[0], Integer.parseInt(args[1])));
  }
}
