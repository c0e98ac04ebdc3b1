package dev.tandem.protocol;

import java.util.Optional;

/**
 * A sequence is open.
 *
 * @param request the id of the {@link Open}
 * @param sequence the sequence's id on this connection, at least 1
 * @param epoch the connection's epoch, at least 1: every tensor frame repeats it
 * @param model hash of the model
 * @param profile the arithmetic of the sequence, filled in
 * @param limits the limits of its steps
 * @param resume with what the client finds it again on another connection; empty if the server
 *     frees the sequences of a lost connection at once
 * @param firstPosition the first position that the server needs: the sequence already has the rows
 *     before it, as they are in the chunks that {@link Open#prefix} names
 */
public record Opened(
    int request,
    int sequence,
    int epoch,
    String model,
    WireProfile profile,
    SequenceLimits limits,
    Optional<ResumeToken> resume,
    int firstPosition)
    implements ServerMessage {

  /** A sequence without rows. */
  public Opened(
      int request,
      int sequence,
      int epoch,
      String model,
      WireProfile profile,
      SequenceLimits limits,
      Optional<ResumeToken> resume) {
    this(request, sequence, epoch, model, profile, limits, resume, 0);
  }
}
