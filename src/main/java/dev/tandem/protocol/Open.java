package dev.tandem.protocol;

import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import java.util.List;
import java.util.Optional;

/**
 * Asks for a sequence in a stage.
 *
 * @param request id of the answer, at least 1
 * @param model hash of the requested model; empty for the server's first model
 * @param span the piece of the chain that the sequence runs through, which also decides the rows of
 *     results
 * @param sendType rows of steps
 * @param receiveType rows of results
 * @param maxPositions positions that the sequence may need
 * @param profile the requested arithmetic
 * @param top the best logits in place of rows of logits; only where the span has the head
 * @param prefix the hashes of the whole chunks that the prompt begins with, see {@link
 *     PrefixChain}; empty if they are not known
 */
public record Open(
    int request,
    String model,
    Span span,
    RowType sendType,
    RowType receiveType,
    int maxPositions,
    WireProfile profile,
    Optional<TopReply> top,
    List<String> prefix)
    implements ClientMessage {

  /** Copies the list. */
  public Open {
    prefix = List.copyOf(prefix);
  }

  /** Nothing is known of the prompt. */
  public Open(
      int request,
      String model,
      Span span,
      RowType sendType,
      RowType receiveType,
      int maxPositions,
      WireProfile profile,
      Optional<TopReply> top) {
    this(request, model, span, sendType, receiveType, maxPositions, profile, top, List.of());
  }

  /** Whole rows. */
  public Open(
      int request,
      String model,
      Span span,
      RowType sendType,
      RowType receiveType,
      int maxPositions,
      WireProfile profile) {
    this(request, model, span, sendType, receiveType, maxPositions, profile, Optional.empty());
  }
}
