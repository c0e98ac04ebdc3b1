package dev.tandem.protocol;

import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Names the whole chunks that a prompt begins with. The hash of a chunk is the SHA-256 of the hash
 * before it and the bytes of the chunk's rows, as they travel. Before the first one stands the
 * SHA-256 of everything else that decides what a stage keeps: the model, the span, the profile and
 * the type of the rows. So equal hashes stand for equal state.
 */
public final class PrefixChain {
  /** The largest number of hashes in {@code open}. */
  public static final int MAX_CHUNKS = 64;

  private final RowType sendType;
  private final MessageDigest sha256;
  private final byte[] seed;
  private final List<byte[]> hashes = new ArrayList<>();

  /**
   * An empty chain.
   *
   * @param model the model hash
   * @param sendType how rows travel
   * @param profile with everything filled in
   */
  public PrefixChain(String model, Span span, RowType sendType, WireProfile profile) {
    this.sendType = sendType;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    String text =
        String.join(
            "\n",
            "tandem prefix",
            model,
            span.begin() + ":" + span.end(),
            span.hasHead() ? "head" : "",
            RowCodec.wireName(sendType),
            profile.weights(),
            profile.activation(),
            profile.kv(),
            profile.mode(),
            String.valueOf(profile.chunkRows()),
            profile.promptKernels(),
            profile.blas());
    seed = sha256.digest(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What stands before the first chunk, in hexadecimal: the same for equal stages. */
  public String seed() {
    return HexFormat.of().formatHex(seed);
  }

  /** The number of chunks. */
  public int size() {
    return hashes.size();
  }

  /** The hashes, in hexadecimal. */
  public List<String> hashes() {
    return hashes.stream().map(HexFormat.of()::formatHex).toList();
  }

  /**
   * Adds the next chunk.
   *
   * @param rows {@code [C, columns]}: all that remain in the buffer, whose position does not change
   */
  public void add(FloatBuffer rows, int columns) {
    add(RowCodec.encode(sendType, rows, columns));
  }

  /**
   * Adds the next chunk.
   *
   * @param rows the bytes of its rows: all that remain in the buffer, whose position does not
   *     change
   */
  public void add(ByteBuffer rows) {
    sha256.update(hashes.isEmpty() ? seed : hashes.get(hashes.size() - 1));
    sha256.update(rows.duplicate());
    hashes.add(sha256.digest());
  }

  /**
   * Adds chunks by their hashes.
   *
   * @throws IllegalArgumentException if one is not 64 hexadecimal digits
   */
  public void addAll(List<String> known) {
    known.forEach(hash -> hashes.add(parse(hash)));
  }

  /** Drops all but the first chunks. */
  public void truncate(int chunks) {
    if (chunks < hashes.size()) {
      hashes.subList(chunks, hashes.size()).clear();
    }
  }

  /** A hash as its bytes. */
  static byte[] parse(String hash) {
    byte[] bytes = HexFormat.of().parseHex(hash);
    if (bytes.length != 32) {
      throw new IllegalArgumentException("a SHA-256 has 64 hexadecimal digits");
    }
    return bytes;
  }
}
