package dev.tandem.peers;

import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.WholeRuntime;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.SamplingOptions;
import java.io.IOException;
import java.util.Optional;

/** This engine, through its public interface. */
final class TandemContestant implements Contestant {
  private final Checkpoint checkpoint;
  private final WholeRuntime model;

  private TandemContestant(String file, int threads) throws IOException {
    checkpoint = Checkpoints.open(file, Optional.empty());
    model = WholeRuntime.open(checkpoint, EngineSettings.defaults().withThreads(threads));
  }

  @Override
  public void generate(int[] promptIds, int nTokens) throws IOException {
    try {
      model
          .newGenerator()
          .run(
              GenerationRequest.of(promptIds)
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(nTokens),
              TokenSink.NONE);
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
