package dev.tandem.server;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.Protocol;
import dev.tandem.protocol.ProtocolException;
import io.vertx.core.http.WebSocketFrame;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Assembles messages from their fragments, and checks the sum of the fragments before it keeps one.
 */
final class MessageAssembler {

  /** A whole message: text, or bytes. */
  record Message(boolean isText, ByteBuffer bytes) {
    String text() {
      return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
    }
  }

  private final int maxBinaryBytes;
  private final ByteArrayOutputStream fragments = new ByteArrayOutputStream();
  private boolean text;

  MessageAssembler(int maxBinaryBytes) {
    this.maxBinaryBytes = maxBinaryBytes;
  }

  /**
   * Adds a data frame.
   *
   * @return the message that it completes
   * @throws ProtocolException if the message becomes too long
   */
  Optional<Message> add(WebSocketFrame frame) throws ProtocolException {
    if (!frame.isContinuation()) {
      fragments.reset();
      text = frame.isText();
    }
    long length = (long) fragments.size() + frame.binaryData().length();
    int limit = text ? Protocol.MAX_CLIENT_TEXT_BYTES : maxBinaryBytes;
    if (length > limit) {
      throw new ProtocolException(
          ErrorCode.TOO_LONG, "a message of " + length + " bytes or more, the limit is " + limit);
    }
    byte[] bytes = frame.binaryData().getBytes();
    if (frame.isFinal() && fragments.size() == 0) {
      return Optional.of(new Message(text, ByteBuffer.wrap(bytes)));
    }
    fragments.writeBytes(bytes);
    if (!frame.isFinal()) {
      return Optional.empty();
    }
    Message message = new Message(text, ByteBuffer.wrap(fragments.toByteArray()));
    fragments.reset();
    return Optional.of(message);
  }
}
