package dev.tandem.model;

import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of texts and of tensors' normalised bytes; the memory does not depend on the size. */
public final class TensorDigest {
  private TensorDigest() {}

  /** SHA-256 of a text's UTF-8 bytes, in lower-case hex. */
  static String ofText(String text) {
    return hex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * SHA-256 of a tensor's elements in the type in which they are stored, vectors in f32,
   * little-endian, logical {@code [rows, cols]} row-major, in lower-case hex.
   *
   * @throws IOException if the file cannot be read or is shorter than when it was opened
   */
  public static String of(Tensor tensor) throws IOException {
    MessageDigest digest = sha256();
    new TensorBytes().forEach(tensor, hashedType(tensor), digest::update);
    return hex(digest.digest());
  }

  /** The type in which a tensor's elements count: f32 for a vector, otherwise its own. */
  public static DType hashedType(Tensor tensor) {
    return tensor.rows() == 1 ? DType.F32 : tensor.dtype();
  }

  /** Bytes in lower-case hex. */
  public static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  /** A new SHA-256. */
  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
