package dev.tandem.formats.pytorch;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/**
 * The numbers and texts that follow a pickle's opcodes, little-endian. All methods throw {@link
 * BufferUnderflowException} where the pickle ends too early; no length is believed before that
 * check.
 */
final class PickleInput {
  private final ByteBuffer in;

  /** Reads from the buffer's position on, which stays where it is. */
  PickleInput(ByteBuffer bytes) {
    in = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Bytes that were read. */
  int position() {
    return in.position();
  }

  int u8() {
    return Byte.toUnsignedInt(in.get());
  }

  int u16() {
    return Short.toUnsignedInt(in.getShort());
  }

  long u32() {
    return Integer.toUnsignedLong(in.getInt());
  }

  long i32() {
    return in.getInt();
  }

  long i64() {
    return in.getLong();
  }

  /** Big-endian, as only this number is. */
  double f64() {
    return Double.longBitsToDouble(Long.reverseBytes(in.getLong()));
  }

  String text(long length, boolean latin1) {
    Charset charset = latin1 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8;
    return new String(bytes(length), charset);
  }

  byte[] bytes(long length) {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[(int) length];
    in.get(bytes);
    return bytes;
  }

  /** A text up to a newline, which is read, too. */
  String line() {
    int end = in.position();
    while (in.get(checked(end)) != '\n') {
      end++;
    }
    String line = text(end - in.position(), false);
    in.get();
    return line;
  }

  private int checked(int index) {
    if (index >= in.limit()) {
      throw new BufferUnderflowException();
    }
    return index;
  }

  /** A number in two's complement; a {@link Long} where it fits, else a {@link BigInteger}. */
  Object integer(int bytes) {
    byte[] number = new byte[bytes];
    for (int i = bytes - 1; i >= 0; i--) {
      number[i] = in.get();
    }
    BigInteger value = bytes == 0 ? BigInteger.ZERO : new BigInteger(number);
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }
}
