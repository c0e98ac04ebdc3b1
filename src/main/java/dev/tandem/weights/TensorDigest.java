package dev.tandem.weights;

import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of texts and of tensors' normalised bytes; memory is bounded whatever the size. */
final class TensorDigest {
  private static final int CHUNK_BYTES = 1 << 20;

  /** A transposed tensor is turned in panels of some logical rows, of about this size. */
  private static final int PANEL_BYTES = 8 << 20;

  /** Each row of a panel is one stream of writes; more would not stay in the second-level cache. */
  private static final long MAX_PANEL_ROWS = 4096;

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
  static String of(Tensor tensor) throws IOException {
    MessageDigest digest = sha256();
    if (tensor.rows() == 1) {
      updateVector(digest, tensor);
    } else if (tensor.transposed() && tensor.cols() > 1) {
      updateTransposed(digest, tensor);
    } else {
      updateInOrder(digest, tensor.data());
    }
    return hex(digest.digest());
  }

  private static void updateVector(MessageDigest digest, Tensor tensor) throws IOException {
    float[] values = new float[Math.toIntExact(tensor.cols())];
    tensor.read(0, values.length, values, 0);
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    digest.update(bytes);
  }

  private static void updateInOrder(MessageDigest digest, TensorData data) throws IOException {
    byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, data.bytes())];
    for (long offset = 0; offset < data.bytes(); offset += chunk.length) {
      int n = (int) Math.min(chunk.length, data.bytes() - offset);
      data.slice(offset, n).get(chunk, 0, n);
      digest.update(chunk, 0, n);
    }
  }

  private static void updateTransposed(MessageDigest digest, Tensor tensor) throws IOException {
    int elementBytes = tensor.dtype().elementBytes();
    long rowBytes = Math.multiplyExact(tensor.cols(), elementBytes);
    long panelRows = Math.max(1, Math.min(MAX_PANEL_ROWS, PANEL_BYTES / rowBytes));
    panelRows = Math.min(panelRows, tensor.rows());
    byte[] bytes = new byte[Math.toIntExact(panelRows * rowBytes)];
    ByteBuffer panel = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (long row = 0; row < tensor.rows(); row += panelRows) {
      int n = (int) Math.min(panelRows, tensor.rows() - row);
      for (int col = 0; col < tensor.cols(); col++) {
        long first = col * tensor.rows() + row;
        ByteBuffer stored = tensor.data().slice(first * elementBytes, n * elementBytes);
        scatter(stored, n, panel, col * elementBytes, (int) rowBytes, elementBytes);
      }
      digest.update(bytes, 0, (int) (n * rowBytes));
    }
  }

  /** Copies n elements from side by side to one below the other. */
  private static void scatter(
      ByteBuffer from, int n, ByteBuffer to, int offset, int strideBytes, int elementBytes) {
    switch (elementBytes) {
      case Short.BYTES -> {
        for (int i = 0; i < n; i++) {
          to.putShort(offset + i * strideBytes, from.getShort(i * Short.BYTES));
        }
      }
      case Integer.BYTES -> {
        for (int i = 0; i < n; i++) {
          to.putInt(offset + i * strideBytes, from.getInt(i * Integer.BYTES));
        }
      }
      default -> throw new IllegalStateException("elements of " + elementBytes + " B");
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
