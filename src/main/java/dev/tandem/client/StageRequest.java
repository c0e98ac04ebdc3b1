package dev.tandem.client;

import dev.tandem.protocol.TensorHash;
import dev.tandem.settings.RowType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import java.util.List;

/**
 * The stage that a client requests from a server.
 *
 * @param span the piece of the chain that it computes
 * @param profile the requested arithmetic, with the model hash; {@link RemoteModel#profile}
 *     requests the server's own
 * @param sendType how rows travel to the server
 * @param receiveType how rows travel back
 * @param tensors the caller's tensors, which are compared with the server's list; empty to rely on
 *     the model hash alone
 */
public record StageRequest(
    Span span,
    ArithmeticProfile profile,
    RowType sendType,
    RowType receiveType,
    List<TensorHash> tensors) {

  /** A request with rows of f32 in both directions. */
  public StageRequest(Span span, ArithmeticProfile profile, List<TensorHash> tensors) {
    this(span, profile, RowType.F32, RowType.F32, tensors);
  }

  /** Copies the list. */
  public StageRequest {
    tensors = List.copyOf(tensors);
  }
}
