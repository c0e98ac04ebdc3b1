package dev.tandem.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.tandem.sampling.TopLogits;
import dev.tandem.sampling.TopSelection;
import dev.tandem.settings.RowType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames of the best logits, and what asks for them. */
class TopCodecTest {
  private static final long SEED = 20_261_130;
  private static final int VOCAB = 50;
  private static final FrameLimits LIMITS = new FrameLimits(16, 2 * (VOCAB + 4));
  private static final int MUTATIONS = Boolean.getBoolean("tandem.long") ? 100_000 : 20_000;

  private final Random random = new Random(SEED);
  private final Samples samples = new Samples(SEED);

  private List<TopLogits> rows(TopReply reply, int n) {
    TopSelection selection = new TopSelection(VOCAB, reply.k(), reply.temperatureArray());
    List<TopLogits> rows = new ArrayList<>();
    for (int row = 0; row < n; row++) {
      FloatBuffer logits = FloatBuffer.allocate(VOCAB);
      for (int id = 0; id < VOCAB; id++) {
        logits.put(id, random.nextInt(20) == 0 ? -0.0f : random.nextInt(30) / 3f);
      }
      rows.add(selection.of(logits, 0));
    }
    return rows;
  }

  private static void assertSame(List<TopLogits> actual, List<TopLogits> expected, int nSums) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int row = 0; row < expected.size(); row++) {
      TopLogits one = actual.get(row);
      TopLogits other = expected.get(row);
      assertThat(one.size()).isEqualTo(other.size());
      assertThat(one.vocabSize()).isEqualTo(VOCAB);
      for (int i = 0; i < other.size(); i++) {
        assertThat(one.id(i)).isEqualTo(other.id(i));
        assertThat(Float.floatToRawIntBits(one.logit(i)))
            .isEqualTo(Float.floatToRawIntBits(other.logit(i)));
      }
      for (int i = 0; i < nSums; i++) {
        assertThat(one.logSumAt(i)).isEqualTo(other.logSumAt(i));
      }
    }
  }

  @Test
  void rowsRoundTrip() throws Exception {
    for (int i = 0; i < 1_000; i++) {
      TopReply reply = samples.topReply();
      FrameHeader header = samples.stepHeader().topResult(reply.columns(VOCAB));
      List<TopLogits> rows = rows(reply, header.nOut());
      ByteBuffer bytes = FrameCodec.encodeTop(header, rows);
      assertThat(bytes.remaining())
          .isEqualTo(
              FrameHeader.BYTES
                  + header.nOut() * 8 * (Math.min(reply.k(), VOCAB) + reply.temperatures().size()));
      TopResult result = (TopResult) FrameCodec.decodeAnswer(bytes, LIMITS);
      assertThat(result.header()).isEqualTo(header);
      assertSame(result.rows(reply, VOCAB), rows, reply.temperatures().size());
    }
  }

  @Test
  void theBytesAreAsDocumented() {
    TopReply reply = new TopReply(2, List.of(1.0));
    FrameHeader header =
        new FrameHeader(FrameKind.STEP, RowType.F16, true, false, 9, 8, 7, 6, 1, 5, 0, 1)
            .topResult(reply.columns(VOCAB));
    TopLogits row =
        new TopLogits(
            VOCAB, new int[] {3, 1}, new float[] {2, -1}, new double[] {1}, new double[] {2.5});
    ByteBuffer bytes = FrameCodec.encodeTop(header, List.of(row)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.get(5)).isEqualTo((byte) 3);
    assertThat(bytes.get(7)).isEqualTo((byte) 0);
    assertThat(bytes.getInt(32)).isEqualTo(6);
    assertThat(bytes.getDouble(48)).isEqualTo(2.5);
    assertThat(bytes.getInt(56)).isEqualTo(3);
    assertThat(bytes.getFloat(60)).isEqualTo(2);
    assertThat(bytes.getInt(64)).isEqualTo(1);
    assertThat(bytes.getFloat(68)).isEqualTo(-1);
    assertThat(bytes.remaining()).isEqualTo(72);
  }

  @Test
  void mutatedFramesGiveAProtocolExceptionOrAValidMessage() {
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      TopReply reply = new TopReply(1 + i % 8, List.of(1.0, 0.5).subList(0, i % 3));
      FrameHeader header = samples.stepHeader().topResult(reply.columns(VOCAB));
      byte[] bytes =
          samples.mutate(FrameCodec.encodeTop(header, rows(reply, header.nOut())).array());
      try {
        ServerMessage answer = FrameCodec.decodeAnswer(ByteBuffer.wrap(bytes), LIMITS);
        if (answer instanceof TopResult top) {
          List<TopLogits> rows = top.rows(reply, VOCAB);
          assertThat(FrameCodec.encodeTop(top.header(), rows).array()).isEqualTo(bytes);
        }
      } catch (ProtocolException e) {
        refused++;
        assertThat(e.getMessage()).doesNotContain("\n").hasSizeLessThan(200);
      } catch (RuntimeException e) {
        fail("seed " + SEED + ", mutation " + i, e);
      }
    }
    assertThat(refused).isBetween(MUTATIONS / 2, MUTATIONS - 1);
  }

  /** One field of a valid frame changed at a time: byte offset, new 32-bit value, message. */
  @ParameterizedTest
  @CsvSource({
    "4, 0x01000301, best logits of type F16",
    "4, 0x00000401, 'frame kind 4, want 2'",
    "28, 0x00000002, 2 rows in a result of 1",
    "32, 0x00000004, payload of 24 bytes",
    "32, 0x000003e8, columns 1000",
    "44, 0x00000001, last field",
    "52, 0x7ff80000, a sum of the row is not a number",
    "56, 0x00000032, id 50 is not in 0..49",
    "56, 0xffffffff, id 4294967295 is not in 0..49",
    "56, 0x00000001, id 1 occurs twice",
    "60, 0x7fc00000, entry 0 of the best logits is out of order",
    "60, 0xc0000000, entry 1 of the best logits is out of order",
    "68, 0x40000000, entry 1 of the best logits is out of order" // equal, but of a lower id
  })
  void everyFieldIsChecked(int offset, String value, String message) {
    TopReply reply = new TopReply(2, List.of(1.0));
    FrameHeader header =
        new FrameHeader(FrameKind.TOP_K, RowType.F32, true, false, 1, 2, 3, 4, 1, 6, 0, 1);
    TopLogits row =
        new TopLogits(
            VOCAB, new int[] {3, 1}, new float[] {2, -1}, new double[] {1}, new double[] {2.5});
    ByteBuffer bytes = FrameCodec.encodeTop(header, List.of(row));
    bytes
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(offset, Integer.parseUnsignedInt(value.substring(2), 16));
    assertThatThrownBy(
            () -> ((TopResult) FrameCodec.decodeAnswer(bytes, LIMITS)).rows(reply, VOCAB))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(((ProtocolException) e).code()).isEqualTo(ErrorCode.PROTOCOL));
  }

  @Test
  void rowsOfAnotherShapeAreRefused() throws Exception {
    TopReply reply = new TopReply(3, List.of(1.0));
    FrameHeader header = samples.stepHeader().topResult(reply.columns(VOCAB));
    ByteBuffer bytes = FrameCodec.encodeTop(header, rows(reply, header.nOut()));
    TopResult result = FrameCodec.decodeTop(bytes, LIMITS);
    assertThatThrownBy(() -> result.rows(new TopReply(4, List.of(1.0)), VOCAB))
        .hasMessageContaining("columns 8, want 10");
    assertThatThrownBy(() -> result.rows(new TopReply(3, List.of()), VOCAB))
        .hasMessageContaining("columns 8, want 6");
  }

  private static String open(String fields) {
    return "{\"type\":\"open\",\"version\":1,\"request\":4,\"layers\":[0,4],\"reply\":\"topk\","
        + "\"send\":\"f32\",\"receive\":\"f32\",\"max_positions\":9"
        + fields
        + "}";
  }

  @Test
  void whatIsAbsentHasADefault() throws Exception {
    Open open = (Open) ControlCodec.decodeClient(open(""));
    assertThat(open.top()).contains(new TopReply(64, List.of()));
    assertThat(open.span().hasHead()).isTrue();
    Open full = (Open) ControlCodec.decodeClient(open(",\"k\":1024,\"temperatures\":[1,0.25]"));
    assertThat(full.top()).contains(new TopReply(1024, List.of(1.0, 0.25)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"k\":0",
        "\"k\":1025",
        "\"k\":-1",
        "\"k\":\"64\"",
        "\"k\":2.5",
        "\"temperatures\":[0]",
        "\"temperatures\":[-1]",
        "\"temperatures\":[1e31]",
        "\"temperatures\":[1e-31]",
        "\"temperatures\":[1e400]",
        "\"temperatures\":[\"1\"]",
        "\"temperatures\":[null]",
        "\"temperatures\":1",
        "\"temperatures\":[1,1,1,1,1]"
      })
  void whatIsOutOfRangeIsRefused(String field) {
    assertThatThrownBy(() -> ControlCodec.decodeClient(open("," + field)))
        .isInstanceOf(ProtocolException.class)
        .satisfies(e -> assertThat(((ProtocolException) e).code()).isEqualTo(ErrorCode.PROTOCOL));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"request\":0,\"sequence\":1,\"row\":0",
        "\"request\":1,\"sequence\":0,\"row\":0",
        "\"request\":1,\"sequence\":1,\"row\":-1",
        "\"request\":1,\"sequence\":1,\"row\":2147483648",
        "\"request\":1,\"sequence\":1"
      })
  void requestsForRowsAreChecked(String fields) {
    assertThatThrownBy(() -> ControlCodec.decodeClient("{\"type\":\"row\"," + fields + "}"))
        .isInstanceOf(ProtocolException.class);
  }
}
