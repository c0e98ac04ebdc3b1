package dev.tandem.client;

import dev.tandem.protocol.TensorHash;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import java.util.List;

/**
 * The stage that a client wants of a server.
 *
 * @param span the piece of the chain that it computes
 * @param profile the arithmetic wanted, with the model hash; {@link RemoteModel#profile} to take
 *     the server's as it is
 * @param tensors the tensors that the caller holds, each to be compared with the server's list;
 *     empty to rely on the model hash alone
 */
public record StageRequest(Span span, ArithmeticProfile profile, List<TensorHash> tensors) {
  /** Copies the list. */
  public StageRequest {
    tensors = List.copyOf(tensors);
  }
}
