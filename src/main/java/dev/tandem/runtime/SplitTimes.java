package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.TopReply;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * How long the parts of a token's way take, and with them the choice of the place where a model is
 * cut. All times are of one row, in milliseconds.
 *
 * @param sizes what is sent, and what can run where
 * @param roundTrip from a row that is sent to a row of the same size that comes back, if the server
 *     computes nothing
 * @param perByte of each further byte, in either direction
 * @param layerHere a layer on this machine
 * @param layerThere a layer on the server
 * @param headHere the head on this machine, which rests during the round trip
 * @param headThere the head on the server
 * @param wholeHere all layers and the head on this machine, one row after the other
 */
record SplitTimes(
    Sizes sizes,
    double roundTrip,
    double perByte,
    double layerHere,
    double layerThere,
    double headHere,
    double headThere,
    double wholeHere) {

  /**
   * What is sent, and what can run where.
   *
   * @param nLayers layers of the model
   * @param minHere layers that no server has, from the first one on
   * @param maxHere layers that are here, from the first one on
   * @param replies what a server can send; {@code HIDDEN} only if the head is here
   * @param dModel columns of a row
   * @param vocabSize columns of a row of logits
   * @param topLogits entries of a row of the best logits
   * @param wire the type of rows that travel
   */
  record Sizes(
      int nLayers,
      int minHere,
      int maxHere,
      List<Reply> replies,
      int dModel,
      int vocabSize,
      int topLogits,
      RowType wire) {

    Sizes {
      replies = List.copyOf(replies);
    }

    /** The sizes of a client's model. */
    static Sizes of(Checkpoint checkpoint, SplitOptions split, int minHere, List<Reply> replies)
        throws IOException {
      return new Sizes(
          checkpoint.config().nLayers(),
          minHere,
          Cut.Held.of(checkpoint).layers(),
          replies,
          checkpoint.config().dModel(),
          checkpoint.config().vocabSize(),
          split.topLogits(),
          split.wire());
    }

    /** Bytes of the answer to a step of one row. */
    long replyBytes(Reply reply) {
      return switch (reply) {
        case HIDDEN -> FrameHeader.messageBytes(wire, 1, dModel);
        case LOGITS -> FrameHeader.messageBytes(wire, 1, vocabSize);
        case TOPK ->
            FrameHeader.BYTES
                + (long) Integer.BYTES * new TopReply(topLogits, List.of(1.0)).columns(vocabSize);
      };
    }
  }

  /**
   * A cut.
   *
   * @param layers layers {@code 0 .. layers - 1} run here
   * @param reply what the server sends back
   * @param millis how long a token is expected to take
   */
  record Choice(int layers, Reply reply, double millis) {}

  /**
   * The cut with the shortest expected time; of equal ones the one with fewer layers here.
   *
   * @param bestLogitsSuffice whether the best logits of a row settle what is drawn
   */
  Choice best(boolean bestLogitsSuffice) {
    Choice best = new Choice(sizes.minHere, sizes.replies.get(0), Double.MAX_VALUE);
    for (int layers = sizes.minHere; layers <= sizes.maxHere; layers++) {
      for (Reply reply : sizes.replies) {
        double millis = millis(layers, reply);
        if (millis < best.millis && (reply != Reply.TOPK || bestLogitsSuffice)) {
          best = new Choice(layers, reply, millis);
        }
      }
    }
    return best;
  }

  /** How long a token is expected to take. */
  double millis(int layers, Reply reply) {
    if (reply == Reply.HIDDEN && layers == sizes.nLayers) {
      return wholeHere; // nothing is left for the server
    }
    double link = roundTrip + perByte * (sizes.replyBytes(reply) - sizes.replyBytes(Reply.HIDDEN));
    double head = reply == Reply.HIDDEN ? headHere : headThere;
    return Math.max(0, link) + layers * layerHere + (sizes.nLayers - layers) * layerThere + head;
  }

  /** Why it is the best choice, in one line. */
  String reason(Choice choice) {
    return String.format(
        Locale.ROOT,
        "a round trip takes %.1f ms and 1000 bytes %.2f ms, a layer %.2f ms here and %.2f ms on"
            + " the server, the head %.2f and %.2f ms: about %.1f ms a token (all here: %.1f ms)",
        roundTrip,
        1000 * perByte,
        layerHere,
        layerThere,
        headHere,
        headThere,
        choice.millis,
        wholeHere);
  }
}
