package dev.tandem.server;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.scheduler.ScheduleException;
import java.util.List;

/** Makes a server's offer, and maps failures to error codes of the wire. */
final class Replies {
  private Replies() {}

  static Info info(List<ModelService> models, int request, boolean withTensors) {
    return new Info(request, models.stream().map(model -> model.offer(withTensors)).toList());
  }

  /** The error code of a scheduler's refusal. */
  static ProtocolException refusal(Throwable failure, int request, int sequence) {
    ErrorCode code = failure instanceof ScheduleException e ? code(e.reason()) : ErrorCode.INTERNAL;
    return new ProtocolException(code, String.valueOf(failure.getMessage()), request, sequence);
  }

  private static ErrorCode code(ScheduleException.Reason reason) {
    return switch (reason) {
      case LAYERS -> ErrorCode.LAYERS;
      case CAPACITY -> ErrorCode.CAPACITY;
      case LIMIT -> ErrorCode.LIMIT;
      case POSITION -> ErrorCode.POSITION;
      case CLOSED -> ErrorCode.UNKNOWN_SEQUENCE;
      case INTERNAL -> ErrorCode.INTERNAL;
    };
  }
}
