package dev.tandem.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.settings.RowType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.PromptKernel;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Float16;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CodecTest {
  private static final long SEED = 20_260_101;
  private static final int MUTATIONS = Boolean.getBoolean("tandem.long") ? 100_000 : 20_000;

  private final Samples samples = new Samples(SEED);

  private static void assertBits(FloatBuffer actual, FloatBuffer expected) {
    assertThat(actual.remaining()).isEqualTo(expected.remaining());
    for (int i = 0; i < expected.remaining(); i++) {
      assertThat(Float.floatToRawIntBits(actual.get(i)))
          .isEqualTo(Float.floatToRawIntBits(expected.get(i)));
    }
  }

  /** f32 keeps every bit; the others keep what their bits can hold. */
  private static void assertRows(RowType type, FloatBuffer actual, FloatBuffer expected) {
    if (type == RowType.F32) {
      assertBits(actual, expected);
      return;
    }
    assertThat(actual.capacity()).isEqualTo(expected.capacity());
    for (int i = 0; i < expected.capacity() && type == RowType.F16; i++) {
      float half = Float16.toFloat(Float16.fromFloat(expected.get(i)));
      assertThat(Float.floatToIntBits(actual.get(i))).isEqualTo(Float.floatToIntBits(half));
    }
  }

  /** Rows of f32 have one form; the others are read into what can be written again. */
  private static void assertSameBytes(FrameHeader header, FloatBuffer rows, byte[] bytes) {
    byte[] again = FrameCodec.encode(header, rows).array();
    if (header.type() == RowType.F32) {
      assertThat(again).isEqualTo(bytes);
    } else {
      assertThat(again).hasSameSizeAs(bytes);
    }
  }

  /**
   * Blocks of 32 numbers, the last one shorter: none is off by more than half a step of its block.
   */
  @Test
  void rowsOfQ8AreAsCloseAsTheirBytesAllow() throws Exception {
    Random random = new Random(SEED);
    FrameLimits limits = new FrameLimits(4, 100);
    for (int columns : new int[] {1, 31, 32, 33, 64, 100}) {
      FrameHeader header =
          new FrameHeader(
              FrameKind.RESULT, RowType.Q8_0, true, false, 1, 2, 3, 4, 3, columns, 0, 3);
      FloatBuffer rows = FloatBuffer.allocate(3 * columns);
      for (int i = 0; i < rows.capacity(); i++) {
        rows.put(i, (float) (random.nextGaussian() * Math.pow(10, random.nextInt(4))));
      }
      ByteBuffer bytes = FrameCodec.encode(header, rows);
      assertThat(bytes.remaining())
          .isEqualTo(FrameHeader.BYTES + 3 * (columns + 2 * ((columns + 31) / 32)));
      FloatBuffer read = FrameCodec.decodeResult(bytes, limits).rows();
      for (int i = 0; i < rows.capacity(); i++) {
        int begin = i - i % columns % 32;
        int end = Math.min(begin + 32, i - i % columns + columns);
        float peak = 0;
        for (int k = begin; k < end; k++) {
          peak = Math.max(peak, Math.abs(rows.get(k)));
        }
        assertThat(read.get(i)).isCloseTo(rows.get(i), within(peak / 127 * 0.51f));
      }
    }
  }

  @Test
  void blocksThatAreNotFiniteAndBlocksOfZerosStaySo() throws Exception {
    FrameHeader header =
        new FrameHeader(FrameKind.RESULT, RowType.Q8_0, true, false, 1, 2, 3, 4, 1, 96, 0, 1);
    FloatBuffer rows = FloatBuffer.allocate(96);
    rows.put(40, Float.POSITIVE_INFINITY).put(70, -3);
    FloatBuffer read =
        FrameCodec.decodeResult(FrameCodec.encode(header, rows), new FrameLimits(1, 96)).rows();
    assertThat(read.get(5)).isZero();
    assertThat(read.get(33)).isNaN();
    assertThat(read.get(70)).isCloseTo(-3, within(0.01f));
    assertThat(read.get(71)).isZero();
  }

  @Test
  void framesRoundTrip() throws Exception {
    for (int i = 0; i < 2_000; i++) {
      FrameHeader header = samples.stepHeader();
      FloatBuffer rows = samples.rows(header);
      Step step = FrameCodec.decodeStep(FrameCodec.encode(header, rows), Samples.LIMITS);
      assertThat(step.header()).isEqualTo(header);
      assertRows(header.type(), step.data(), rows);
      assertThat(
              FrameHeader.step(
                  header.type(),
                  header.epoch(),
                  header.request(),
                  header.sequence(),
                  step.rows(),
                  header.columns()))
          .isEqualTo(header);

      FrameHeader answer = header.result(i % 2 == 0 ? RowType.F32 : RowType.F16, 5);
      FloatBuffer out = samples.rows(answer);
      Result result = FrameCodec.decodeResult(FrameCodec.encode(answer, out), Samples.LIMITS);
      assertThat(result.header()).isEqualTo(answer);
      assertRows(answer.type(), result.rows(), out);
    }
  }

  @Test
  void controlMessagesRoundTrip() throws Exception {
    for (int i = 0; i < 5_000; i++) {
      ClientMessage client = samples.client();
      assertThat(ControlCodec.decodeClient(ControlCodec.encodeClient(client)))
          .as("seed %d", SEED)
          .isEqualTo(client);
      ServerMessage server = samples.server();
      assertThat(ControlCodec.decodeServer(ControlCodec.encodeServer(server)))
          .as("seed %d", SEED)
          .isEqualTo(server);
    }
  }

  @Test
  void theHeaderIsAsDocumented() {
    FrameHeader header =
        new FrameHeader(FrameKind.STEP, RowType.F32, false, true, 0x01020304, 5, 6, 7, 1, 2, 0, 1);
    byte[] bytes = FrameCodec.encode(header, FloatBuffer.wrap(new float[] {1f, -2f})).array();
    assertThat(bytes)
        .containsExactly(
            'T',
            'N',
            'D',
            'M',
            1,
            1,
            1,
            0, //
            0,
            0,
            0,
            0,
            4,
            3,
            2,
            1, //
            5,
            0,
            0,
            0,
            6,
            0,
            0,
            0, //
            7,
            0,
            0,
            0,
            1,
            0,
            0,
            0, //
            2,
            0,
            0,
            0,
            0,
            0,
            0,
            0, //
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0, //
            0,
            0,
            (byte) 0x80,
            0x3f,
            0,
            0,
            0,
            (byte) 0xc0);
  }

  @Test
  void mutatedFramesGiveAProtocolExceptionOrAValidMessage() {
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      FrameHeader header = samples.stepHeader();
      boolean step = i % 2 == 0;
      FrameHeader sent = step ? header : header.result(header.type(), 5);
      byte[] bytes = samples.mutate(FrameCodec.encode(sent, samples.rows(sent)).array());
      try {
        if (step) {
          Step decoded = FrameCodec.decodeStep(ByteBuffer.wrap(bytes), Samples.LIMITS);
          assertSameBytes(decoded.header(), decoded.data(), bytes);
        } else {
          Result decoded = FrameCodec.decodeResult(ByteBuffer.wrap(bytes), Samples.LIMITS);
          assertSameBytes(decoded.header(), decoded.rows(), bytes);
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

  @Test
  void mutatedControlMessagesGiveAProtocolExceptionOrAValidMessage() {
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      boolean client = i % 2 == 0;
      String valid =
          client
              ? ControlCodec.encodeClient(samples.client())
              : ControlCodec.encodeServer(samples.server());
      String text =
          new String(
              samples.mutate(valid.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
      try {
        if (client) {
          ControlCodec.encodeClient(ControlCodec.decodeClient(text));
        } else {
          ControlCodec.encodeServer(ControlCodec.decodeServer(text));
        }
      } catch (ProtocolException e) {
        refused++;
        assertThat(e.getMessage()).doesNotContain("\n");
      } catch (RuntimeException e) {
        fail("seed " + SEED + ", mutation " + i + ": " + text, e);
      }
    }
    assertThat(refused).isBetween(MUTATIONS / 2, MUTATIONS - 1);
  }

  /** One field of a valid step changed at a time: byte offset, new 32-bit value, code, message. */
  @ParameterizedTest
  @CsvSource({
    "0, 0x4d444e55, PROTOCOL, begin with TNDM",
    "4, 0x00000102, VERSION, version 2",
    "4, 0x00000201, PROTOCOL, frame kind 2",
    "4, 0x00020101, PROTOCOL, unknown flags 0x2",
    "4, 0x01000101, PROTOCOL, 'payload of 24 bytes, want 12'",
    "4, 0x02000101, PROTOCOL, 'payload of 24 bytes, want 12'",
    "4, 0x03000101, PROTOCOL, unknown dtype 3",
    "8, 0x00000002, PROTOCOL, unknown row kind",
    "8, 0x00000100, PROTOCOL, unknown row kind",
    "12, 0x00000000, PROTOCOL, is 0",
    "16, 0x80000000, PROTOCOL, byte 16 is 2147483648",
    "20, 0x00000000, PROTOCOL, is 0",
    "24, 0x7fffffff, PROTOCOL, beyond",
    "28, 0x00000000, PROTOCOL, without rows",
    "28, 0x00000011, LIMIT, rows 17",
    "28, 0x00000004, PROTOCOL, payload of 24 bytes",
    "32, 0x00000000, PROTOCOL, columns 0",
    "32, 0x00000019, PROTOCOL, columns 25",
    "36, 0x00000003, PROTOCOL, output rows",
    "40, 0x7fffffff, PROTOCOL, output rows",
    "44, 0x00000001, PROTOCOL, last field"
  })
  void everyFieldIsChecked(int offset, String value, ErrorCode code, String message) {
    FrameHeader header =
        new FrameHeader(FrameKind.STEP, RowType.F32, true, false, 1, 2, 3, 4, 3, 2, 1, 2);
    ByteBuffer bytes = FrameCodec.encode(header, samples.rows(header));
    bytes
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(offset, Integer.parseUnsignedInt(value.substring(2), 16));
    assertThatThrownBy(() -> FrameCodec.decodeStep(bytes, Samples.LIMITS))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(((ProtocolException) e).code()).isEqualTo(code));
  }

  @Test
  void longAndCorruptControlMessagesAreToldApart() {
    assertThatThrownBy(() -> ControlCodec.decodeClient(" ".repeat(20_000)))
        .satisfies(e -> assertThat(((ProtocolException) e).code()).isEqualTo(ErrorCode.TOO_LONG));
    for (String corrupt :
        new String[] {
          "",
          "{",
          "[]",
          "7",
          "{}",
          "{\"type\":7}",
          "{\"type\":\"step\"}",
          "{\"type\":\"close\"}",
          "{\"type\":\"close\",\"sequence\":0}",
          "{\"type\":\"close\",\"sequence\":1e99}",
          "{\"type\":\"close\",\"sequence\":1}{}",
          "{\"type\":\"close\",\"type\":\"close\",\"sequence\":1}",
          "{\"type\":\"opened\",\"request\":1}",
          "[".repeat(10_000)
        }) {
      assertThatThrownBy(() -> ControlCodec.decodeClient(corrupt))
          .as(corrupt)
          .satisfies(e -> assertThat(((ProtocolException) e).code()).isEqualTo(ErrorCode.PROTOCOL));
    }
    assertThatThrownBy(
            () -> ControlCodec.decodeClient("{\"type\":\"info\",\"version\":2,\"request\":1}"))
        .hasMessageContaining("version 2")
        .satisfies(e -> assertThat(((ProtocolException) e).code()).isEqualTo(ErrorCode.VERSION));
  }

  @Test
  void errorTextsAreOneShortLine() throws Exception {
    ErrorMessage error =
        new ErrorMessage(ErrorCode.LIMIT, "a\n\u001b[31mb" + "x".repeat(2_000), 1, 2);
    ErrorMessage decoded =
        (ErrorMessage) ControlCodec.decodeServer(ControlCodec.encodeServer(error));
    assertThat(decoded.message()).startsWith("a  [31mb").hasSizeLessThan(510);
  }

  @Test
  void profilesLeaveOpenWhatIsEmpty() throws ProtocolException {
    ArithmeticProfile served =
        new ArithmeticProfile(
            "abc",
            Set.of(DType.F32),
            ActivationEval.TABLE,
            KvType.F32,
            ArithmeticMode.FAST,
            256,
            Set.of(PromptKernel.SGEMM),
            "OpenBLAS 0.3.31");
    assertThat(WireProfile.of(served).ofServer("abc")).isEqualTo(served);
    assertThat(WireProfile.of(served).ofClient(served)).isEqualTo(served);
    assertThat(WireProfile.ANY.ofClient(served)).isEqualTo(served);
    assertThat(new WireProfile("", "", "", "fast", 256, "", "").ofClient(served)).isEqualTo(served);
    assertThat(differing(new WireProfile("", "formula", "", "", 0, "", ""), served))
        .containsExactly("activation formula, here table");
    assertThat(differing(new WireProfile("f16", "", "", "", 16, "row-exact", ""), served))
        .containsExactly(
            "matrix types f16, here f32",
            "chunk rows 16, here 256",
            "prompt kernels none, here sgemm");
    assertThatThrownBy(() -> WireProfile.ANY.ofServer("abc"))
        .hasMessage("the server's weight type '' is not known here");
    assertThatThrownBy(() -> new WireProfile("", "", "q1", "", 0, "", "").ofClient(served))
        .hasMessage("the client's KV type 'q1' is not known here");
  }

  private static List<String> differing(WireProfile requested, ArithmeticProfile served)
      throws ProtocolException {
    return served.differences(requested.ofClient(served)).stream()
        .map(each -> each.worded("here"))
        .toList();
  }
}
