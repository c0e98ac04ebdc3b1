package dev.tandem.protocol;

import dev.tandem.sampling.TopLogits;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The best logits of a step's output rows.
 *
 * @param header of kind {@link FrameKind#TOP_K}; its columns are 4-byte words
 * @param words {@code [header.rows(), header.columns()]}, little-endian, from the buffer's position
 */
public record TopResult(FrameHeader header, ByteBuffer words) implements ServerMessage {

  /**
   * The rows.
   *
   * @param asked what the sequence was opened with
   * @param vocabSize logits of a whole row
   * @throws ProtocolException if they are not what was asked for, or an entry is impossible
   */
  public List<TopLogits> rows(TopReply asked, int vocabSize) throws ProtocolException {
    if (header.columns() != asked.columns(vocabSize)) {
      throw refused("columns " + header.columns() + ", want " + asked.columns(vocabSize));
    }
    ByteBuffer in = words.duplicate().order(words.order());
    double[] temperatures = asked.temperatureArray();
    int k = asked.entries(vocabSize);
    List<TopLogits> rows = new ArrayList<>(header.rows());
    for (int row = 0; row < header.rows(); row++) {
      double[] logSums = new double[temperatures.length];
      for (int i = 0; i < logSums.length; i++) {
        logSums[i] = in.getDouble();
      }
      int[] ids = new int[k];
      float[] logits = new float[k];
      for (int i = 0; i < k; i++) {
        ids[i] = in.getInt();
        logits[i] = in.getFloat();
      }
      try {
        rows.add(new TopLogits(vocabSize, ids, logits, temperatures, logSums));
      } catch (IllegalArgumentException e) {
        throw refused(String.valueOf(e.getMessage()));
      }
    }
    return rows;
  }

  private ProtocolException refused(String message) {
    return new ProtocolException(ErrorCode.PROTOCOL, message, header.request(), header.sequence());
  }
}
