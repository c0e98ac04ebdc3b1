package dev.tandem.client;

import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.ServerMessage;
import dev.tandem.protocol.TopResult;
import dev.tandem.sampling.TopLogits;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Collects the best logits of rows. */
final class TopRows implements RowSink {
  private final List<@Nullable TopLogits> rows;

  TopRows(int n) {
    rows = new ArrayList<>(Collections.nCopies(n, null));
  }

  @Override
  public Optional<FrameHeader> header(ServerMessage answer) {
    return answer instanceof TopResult result ? Optional.of(result.header()) : Optional.empty();
  }

  @Override
  public void take(RemoteSequence sequence, ServerMessage answer, int at) throws ProtocolException {
    TopResult result = (TopResult) answer;
    int vocabSize = sequence.stage().spec().vocabSize();
    for (TopLogits row : result.rows(sequence.top().orElseThrow(), vocabSize)) {
      rows.set(at++, row);
    }
  }

  /** All rows, after the step. */
  List<TopLogits> taken() {
    List<TopLogits> taken = new ArrayList<>(rows.size());
    for (TopLogits row : rows) {
      if (row == null) {
        throw new IllegalStateException("a row of the step was not taken");
      }
      taken.add(row);
    }
    return taken;
  }
}
