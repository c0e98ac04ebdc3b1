package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Reply;
import dev.tandem.stage.Span;
import java.io.IOException;

/**
 * Where a model is cut.
 *
 * @param layers layers {@code 0 .. layers - 1} run here
 * @param nLayers layers of the model
 * @param reply what comes back
 */
record Cut(int layers, int nLayers, Reply reply) {

  /**
   * What a client's files hold.
   *
   * @param layers layers from the first one on
   * @param head whether the head is there
   */
  record Held(int layers, boolean head) {

    /**
     * What a client can run.
     *
     * @throws IOException if the checkpoint has no embedding
     */
    static Held of(Checkpoint checkpoint) throws IOException {
      ModelPart part = checkpoint.part();
      if (!part.embedding()) {
        throw new IOException(
            checkpoint.name() + " is a server's part (" + part + "); a client needs the embedding");
      }
      return new Held(part.layers().begin() == 0 ? part.layers().end() : 0, part.head());
    }
  }

  /**
   * The cut that was asked for.
   *
   * @throws InvalidSettingException if the checkpoint does not hold what should run here
   * @throws IOException if it has no embedding
   */
  static Cut of(Checkpoint checkpoint, SplitOptions split) throws IOException {
    Held held = Held.of(checkpoint);
    int layers = split.localLayers().orElse(checkpoint.isWhole() ? 0 : held.layers);
    if (layers < 0 || layers > held.layers) {
      throw new InvalidSettingException("layers", "must be in 0.." + held.layers, layers);
    }
    Reply reply = split.reply().orElse(held.head ? Reply.HIDDEN : Reply.LOGITS);
    if (reply == Reply.HIDDEN && !held.head) {
      throw new InvalidSettingException(
          "reply",
          "must be logits or topk, because " + checkpoint.name() + " holds no head",
          "hidden");
    }
    return new Cut(layers, checkpoint.config().nLayers(), reply);
  }

  /** The cut that was chosen. */
  static Cut of(SplitTimes.Choice choice, int nLayers) {
    return new Cut(choice.layers(), nLayers, choice.reply());
  }

  Cut withReply(Reply other) {
    return new Cut(layers, nLayers, other);
  }

  Span first() {
    return Span.layers(0, layers);
  }

  Span served() {
    return new Span(layers, nLayers, reply.output());
  }

  Span head() {
    return Span.head(nLayers);
  }

  boolean headHere() {
    return reply == Reply.HIDDEN;
  }

  /** Whether servers compute anything. */
  boolean isServed() {
    return layers < nLayers || !headHere();
  }
}
