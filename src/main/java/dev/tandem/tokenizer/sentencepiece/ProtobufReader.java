package dev.tandem.tokenizer.sentencepiece;

import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.Utf8;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Walks the fields of a protobuf message in memory. Source: "Encoding" in the documentation of
 * Protocol Buffers. Groups, which are obsolete, are refused.
 */
final class ProtobufReader {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private final String what;
  private final ByteBuffer in;
  private int field;
  private int wireType;

  /**
   * A reader of a whole message.
   *
   * @param what the name of the message, for errors
   */
  ProtobufReader(String what, byte[] message) {
    this(what, ByteBuffer.wrap(message));
  }

  private ProtobufReader(String what, ByteBuffer message) {
    this.what = what;
    in = message.order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Goes to the next field and returns whether there is one. The caller must then read or skip its
   * value.
   */
  boolean next() throws TokenizerFormatException {
    if (!in.hasRemaining()) {
      return false;
    }
    long tag = readVarint();
    field = (int) (tag >>> 3);
    wireType = (int) tag & 7;
    if (tag >>> 3 < 1 || tag >>> 3 > 0x1FFF_FFFF) {
      throw malformed("a field number", Long.toUnsignedString(tag >>> 3));
    }
    return true;
  }

  /** The number of the field. */
  int field() {
    return field;
  }

  /** The value of an integer, enum or bool. */
  long varint() throws TokenizerFormatException {
    require(VARINT);
    return readVarint();
  }

  float fixedFloat() throws TokenizerFormatException {
    require(FIXED32);
    need(Float.BYTES);
    return in.getFloat();
  }

  /** The number of bytes of a bytes field; skips its value. */
  int bytesLength() throws TokenizerFormatException {
    return slice().remaining();
  }

  String string() throws TokenizerFormatException {
    ByteBuffer slice = slice();
    byte[] utf8 = new byte[slice.remaining()];
    slice.get(utf8);
    return Utf8.decode(what + " field " + field, utf8);
  }

  /** The message in this field. */
  ProtobufReader message(String name) throws TokenizerFormatException {
    return new ProtobufReader(name, slice());
  }

  /** Skips the value. */
  void skip() throws TokenizerFormatException {
    switch (wireType) {
      case VARINT -> readVarint();
      case FIXED64 -> skipBytes(Long.BYTES);
      case FIXED32 -> skipBytes(Integer.BYTES);
      default -> slice();
    }
  }

  private void skipBytes(int count) throws TokenizerFormatException {
    need(count);
    in.position(in.position() + count);
  }

  private ByteBuffer slice() throws TokenizerFormatException {
    require(BYTES);
    long length = readVarint();
    if (length < 0 || length > in.remaining()) {
      throw malformed("a length of 0.." + in.remaining(), Long.toUnsignedString(length));
    }
    ByteBuffer slice = in.slice(in.position(), (int) length);
    in.position(in.position() + (int) length);
    return slice;
  }

  private long readVarint() throws TokenizerFormatException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      need(1);
      byte next = in.get();
      value |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw malformed("a number of at most 10 B", "a longer one");
  }

  private void require(int expected) throws TokenizerFormatException {
    if (wireType != expected) {
      throw malformed("wire type " + expected, Integer.toString(wireType));
    }
  }

  private void need(int bytes) throws TokenizerFormatException {
    if (in.remaining() < bytes) {
      throw malformed(bytes + " B more", in.remaining() + " B");
    }
  }

  private TokenizerFormatException malformed(String expected, String got) {
    return new TokenizerFormatException(what + " field " + field, expected, got);
  }
}
