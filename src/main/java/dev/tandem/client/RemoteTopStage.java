package dev.tandem.client;

import dev.tandem.protocol.TopReply;
import dev.tandem.sampling.TopLogits;
import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import dev.tandem.stage.TopLogitsStage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A stage on a server, which answers with the best logits; {@link ServerConnection#topStage} and
 * {@link ServerStage#top} create it. Closing it closes the stage that it was created from.
 */
public final class RemoteTopStage extends ForwardingStage implements TopLogitsStage {

  /** Opens sequences of a stage on a server. */
  interface Opener {
    RemoteSequence open(int maxPositions, Optional<TopReply> top) throws IOException;
  }

  private final Opener opener;
  private final int k;

  RemoteTopStage(Stage stage, Opener opener, int k) {
    super(stage);
    this.opener = opener;
    this.k = k;
  }

  /** {@inheritDoc} The head follows the layers of the stage that this was created from. */
  @Override
  public StageSpec spec() {
    StageSpec spec = super.spec();
    return spec.withSpan(Span.toLogits(spec.span().begin(), spec.span().end()));
  }

  @Override
  public Sequence openSequence(int maxPositions) throws IOException {
    return openSequence(maxPositions, List.of());
  }

  @Override
  public Sequence openSequence(int maxPositions, List<Double> temperatures) throws IOException {
    return opener.open(maxPositions, Optional.of(new TopReply(k, temperatures)));
  }

  /** {@inheritDoc} Before the server has said it, there is no limit. */
  @Override
  public int maxRows(Sequence sequence) {
    RemoteSequence remote = remote(sequence);
    return remote.hasBegun() ? remote.limits().maxOutRows() : Integer.MAX_VALUE;
  }

  @Override
  public List<TopLogits> stepTop(Batch batch, FloatBuffer in) throws IOException {
    TopRows rows = new TopRows(batch.totalOut());
    remote(batch.sequence(0)).stage().run(batch, in, rows);
    return rows.taken();
  }

  /** {@inheritDoc} Asks for each whole row, one after the other. */
  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
    int vocabSize = spec().vocabSize();
    remote(batch.sequence(0)).stage().checkOut(batch, out, vocabSize);
    var unused = stepTop(batch, in);
    int at = 0;
    for (int entry = 0; entry < batch.size(); entry++) {
      for (int row = 0; row < batch.nOut(entry); row++) {
        out.put(at * vocabSize, row(batch.sequence(entry), row), 0, vocabSize);
        at++;
      }
    }
  }

  @Override
  public FloatBuffer row(Sequence sequence, int row) throws IOException {
    RemoteSequence remote = remote(sequence);
    return remote.stage().row(remote, row);
  }

  private static RemoteSequence remote(Sequence sequence) {
    if (sequence instanceof RemoteSequence remote) {
      return remote;
    }
    throw new IllegalArgumentException("the sequence belongs to another stage");
  }
}
