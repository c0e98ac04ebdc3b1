package dev.tandem.server;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.Protocol;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.scheduler.ScheduleException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;

/** Makes a server's offer, and maps failures to error codes of the wire. */
final class Replies {
  private Replies() {}

  /**
   * What a server can do beyond the first form of the protocol.
   *
   * @param resumes whether it keeps the sequences of lost connections
   * @param account whose client it tells this
   */
  static List<String> features(boolean resumes, ClientAccount account) {
    List<String> features = new ArrayList<>(List.of(Protocol.TOP_K));
    if (resumes) {
      features.add(Protocol.RESUME);
    }
    if (account.prefixScope().isPresent()) {
      features.add(Protocol.PREFIX);
    }
    return List.copyOf(features);
  }

  static Info info(
      List<ModelService> models, List<String> features, int request, boolean withTensors) {
    return new Info(
        request, features, models.stream().map(model -> model.offer(withTensors)).toList());
  }

  /** The refusal of a message about a sequence that is not open. */
  static ProtocolException unknown(int request, int sequence) {
    return new ProtocolException(
        ErrorCode.UNKNOWN_SEQUENCE,
        "sequence " + sequence + " is not open on this connection",
        request,
        sequence);
  }

  /** Tells a client that a sequence was closed. */
  static ProtocolException reclaimed(int sequence, String why) {
    return new ProtocolException(
        ErrorCode.UNKNOWN_SEQUENCE,
        "sequence "
            + sequence
            + " is closed: "
            + why
            + "; open another one and send its rows again",
        0,
        sequence);
  }

  /** The error code of a scheduler's refusal. */
  static ProtocolException refusal(Throwable failure, int request, int sequence) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (!(cause instanceof ScheduleException e)) {
      return new ProtocolException(
          ErrorCode.INTERNAL, String.valueOf(cause.getMessage()), request, sequence);
    }
    String message =
        e.reason() == ScheduleException.Reason.CLOSING
            ? ClientConnection.SHUTTING_DOWN
            : String.valueOf(e.getMessage());
    return new ProtocolException(code(e.reason()), message, request, sequence);
  }

  private static ErrorCode code(ScheduleException.Reason reason) {
    return switch (reason) {
      case LAYERS -> ErrorCode.LAYERS;
      case CAPACITY, CLOSING -> ErrorCode.CAPACITY;
      case LIMIT -> ErrorCode.LIMIT;
      case POSITION -> ErrorCode.POSITION;
      case CLOSED, RECLAIMED -> ErrorCode.UNKNOWN_SEQUENCE;
      case INTERNAL -> ErrorCode.INTERNAL;
    };
  }
}
