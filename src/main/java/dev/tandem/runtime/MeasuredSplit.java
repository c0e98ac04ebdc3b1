package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.SplitTimes.Sizes;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Measures a model whose first layers can run here and whose other layers servers have. */
final class MeasuredSplit {
  private MeasuredSplit() {}

  /**
   * Loads what can run here, takes steps here and on the servers, and lets go of it again.
   *
   * @param checkpoint the client's model or part
   * @param here how this process computes
   * @param chain servers of all layers that are not in {@code minHere}, without the head
   * @param minHere layers that no server has, from the first one on
   * @throws IOException if the model cannot be read, or a server cannot be reached
   */
  static SplitTimes times(
      Checkpoint checkpoint,
      EngineSettings here,
      ServerChain chain,
      SplitOptions split,
      int minHere)
      throws IOException {
    int nLayers = checkpoint.config().nLayers();
    Cut.Held held = Cut.Held.of(checkpoint);
    Sizes sizes = Sizes.of(checkpoint, split, minHere, replies(held, chain, split));
    if (sizes.replies().isEmpty()) {
      throw new IOException("neither this client nor a server has the head that was asked for");
    }
    List<Span> spans = new ArrayList<>();
    if (held.layers() > 0) {
      spans.add(Span.layers(0, held.layers()));
    }
    if (sizes.replies().contains(Reply.HIDDEN)) {
      spans.add(Span.head(nLayers));
    }
    SplitMeasurement.Stages there =
        span ->
            span.hasLayers() ? chain.stages() : List.of(chain.lastWithoutLayers(span.hasHead()));
    if (spans.isEmpty()) {
      return new SplitMeasurement(sizes, there, span -> List.of()).measure();
    }
    try (ResourceScope scope = new ResourceScope()) {
      LocalModel model = scope.add(LocalModel.open(checkpoint, here));
      LocalStages local = scope.add(new LocalStages(checkpoint, model, spans));
      return new SplitMeasurement(sizes, there, span -> List.of(local.stage(span))).measure();
    }
  }

  /** What the client may ask for, of what there is. */
  private static List<Reply> replies(Cut.Held held, ServerChain chain, SplitOptions split) {
    List<Reply> replies = new ArrayList<>();
    if (held.head()) {
      replies.add(Reply.HIDDEN);
    }
    if (chain.hasTop()) {
      replies.add(Reply.TOPK);
      replies.add(Reply.LOGITS);
    }
    split.reply().ifPresent(reply -> replies.removeIf(each -> each != reply));
    return replies;
  }
}
