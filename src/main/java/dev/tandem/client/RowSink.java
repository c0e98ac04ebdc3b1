package dev.tandem.client;

import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.ServerMessage;
import java.util.Optional;

/** Takes the output rows of a step's frames. */
interface RowSink {

  /** The header of an answer of the kind that it takes; empty for another kind. */
  Optional<FrameHeader> header(ServerMessage answer);

  /**
   * Takes a frame's rows.
   *
   * @param answer of the right kind; its header is that of an answer to the frame
   * @param at the place of its first row among the output rows of the step
   * @throws ProtocolException if its rows are not what the sequence was opened for
   */
  void take(RemoteSequence sequence, ServerMessage answer, int at) throws ProtocolException;
}
