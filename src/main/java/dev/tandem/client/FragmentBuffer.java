package dev.tandem.client;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.Protocol;
import dev.tandem.protocol.ProtocolException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Assembles messages from their fragments, and checks the sum of the fragments before it keeps one.
 */
final class FragmentBuffer {
  private final StringBuilder text = new StringBuilder();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Adds a piece of text; returns the message that it completes. */
  Optional<String> addText(CharSequence part, boolean last) throws ProtocolException {
    checkLength((long) text.length() + part.length(), Protocol.MAX_SERVER_TEXT_BYTES);
    text.append(part);
    if (!last) {
      return Optional.empty();
    }
    String message = text.toString();
    text.setLength(0);
    return Optional.of(message);
  }

  /** Adds a piece of a tensor frame; returns the message that it completes. */
  Optional<ByteBuffer> addBinary(ByteBuffer part, boolean last, int maxBytes)
      throws ProtocolException {
    checkLength((long) bytes.size() + part.remaining(), maxBytes);
    byte[] copy = new byte[part.remaining()];
    part.get(copy);
    if (last && bytes.size() == 0) {
      return Optional.of(ByteBuffer.wrap(copy));
    }
    bytes.writeBytes(copy);
    if (!last) {
      return Optional.empty();
    }
    ByteBuffer message = ByteBuffer.wrap(bytes.toByteArray());
    bytes.reset();
    return Optional.of(message);
  }

  private static void checkLength(long length, int limit) throws ProtocolException {
    if (length > limit) {
      throw new ProtocolException(
          ErrorCode.TOO_LONG, "a message of " + length + " bytes or more, the limit is " + limit);
    }
  }
}
