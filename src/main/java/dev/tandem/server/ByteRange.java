package dev.tandem.server;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a file that a {@code Range} header asks for, RFC 9110.
 *
 * @param from the first byte
 * @param to one past the last byte; {@code from} if the file has none of the bytes
 */
record ByteRange(long from, long to) {
  private static final Pattern ONE = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

  /**
   * Reads a header.
   *
   * @param header null if there is none
   * @return empty for the whole file: without a header, and for one that is not a single range of
   *     bytes, which a server may ignore
   */
  static Optional<ByteRange> of(@Nullable String header, long bytes) {
    Matcher one = ONE.matcher(header == null ? "" : header.strip());
    if (!one.matches() || (one.group(1).isEmpty() && one.group(2).isEmpty())) {
      return Optional.empty();
    }
    if (one.group(1).isEmpty()) {
      long last = Long.parseLong(one.group(2)); // so many at the end
      return Optional.of(new ByteRange(Math.max(0, bytes - last), bytes));
    }
    long from = Long.parseLong(one.group(1));
    long last = one.group(2).isEmpty() ? Long.MAX_VALUE - 1 : Long.parseLong(one.group(2));
    if (last < from) {
      return Optional.empty();
    }
    return Optional.of(new ByteRange(from, Math.max(from, Math.min(bytes, last + 1))));
  }

  /** Whether the file has any of the bytes. */
  boolean isSatisfiable(long bytes) {
    return from < to && to <= bytes;
  }
}
