package dev.tandem.client;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.ServerMessage;
import java.nio.FloatBuffer;
import java.util.Optional;

/** Puts whole rows into a buffer. */
final class WholeRows implements RowSink {
  private final FloatBuffer out;
  private final int width;

  /**
   * A sink.
   *
   * @param out of all output rows, from index 0
   * @param width floats of a row
   */
  WholeRows(FloatBuffer out, int width) {
    this.out = out;
    this.width = width;
  }

  @Override
  public Optional<FrameHeader> header(ServerMessage answer) {
    return answer instanceof Result result ? Optional.of(result.header()) : Optional.empty();
  }

  @Override
  public void take(RemoteSequence sequence, ServerMessage answer, int at) throws ProtocolException {
    Result result = (Result) answer;
    FrameHeader header = result.header();
    if (header.type() != sequence.stage().request().receiveType()
        || (header.nOut() > 0 && header.columns() != width)) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL, "rows of " + header.columns() + " columns of type " + header.type());
    }
    out.put(at * width, result.rows(), 0, header.nOut() * width);
  }
}
