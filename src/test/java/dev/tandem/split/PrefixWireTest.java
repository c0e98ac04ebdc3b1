package dev.tandem.split;

import static dev.tandem.split.ToyServer.C;
import static dev.tandem.split.ToyServer.D;
import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.endpoints.PrefixCaching;
import dev.tandem.protocol.ControlCodec;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.FrameCodec;
import dev.tandem.protocol.FrameHeader;
import dev.tandem.protocol.FrameKind;
import dev.tandem.protocol.Info;
import dev.tandem.protocol.InfoRequest;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.Result;
import dev.tandem.protocol.WireProfile;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Known beginnings of prompts on the wire, for clients that may claim anything. */
@Timeout(60)
class PrefixWireTest {
  private static final Span SPAN = Span.layers(0, ToyProvider.LAYERS);

  private final Random random = new Random(3);
  private ToyServer toy;

  @BeforeEach
  void start() throws IOException {
    toy = new ToyServer(anyPort().withPrefixes(new PrefixCaching(1 << 20, true)));
  }

  @AfterEach
  void stop() {
    toy.close();
    assertThat(toy.model.openSequences()).isZero();
  }

  /** The hashes of a prompt's whole chunks, as docs/protocol.md says it. */
  private List<String> hashes(Opened opened, RowType type, FloatBuffer rows, int chunks)
      throws Exception {
    WireProfile p = opened.profile();
    String seed =
        String.join(
            "\n",
            "tandem prefix",
            opened.model(),
            "0:" + ToyProvider.LAYERS,
            "",
            type == RowType.F32 ? "f32" : "f16",
            p.weights(),
            p.activation(),
            p.kv(),
            p.mode(),
            "" + p.chunkRows(),
            p.promptKernels(),
            p.blas());
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    byte[] last = sha256.digest(seed.getBytes(StandardCharsets.UTF_8));
    List<String> hashes = new ArrayList<>();
    for (int i = 0; i < chunks; i++) {
      FrameHeader header = header(opened, type, i * C, false);
      byte[] frame = FrameCodec.encode(header, rows.slice(i * C * D, C * D)).array();
      sha256.update(last);
      sha256.update(frame, FrameHeader.BYTES, frame.length - FrameHeader.BYTES);
      last = sha256.digest();
      hashes.add(HexFormat.of().formatHex(last));
    }
    return hashes;
  }

  private static FrameHeader header(Opened opened, RowType type, int position, boolean generated) {
    return new FrameHeader(
        FrameKind.STEP,
        type,
        generated,
        false,
        opened.epoch(),
        1_000 + position,
        opened.sequence(),
        position,
        C,
        D,
        C - 1,
        1);
  }

  private static Opened open(RawClient client, RowType type, List<String> prefix)
      throws InterruptedException {
    client.send(
        ControlCodec.encodeClient(
            new Open(
                client.nextRequest(),
                "",
                SPAN,
                type,
                RowType.F32,
                200,
                WireProfile.ANY,
                Optional.empty(),
                prefix)));
    return (Opened) client.next();
  }

  private static float[] send(
      RawClient client, Opened opened, RowType type, FloatBuffer rows, int chunk, boolean generated)
      throws InterruptedException {
    FrameHeader header = header(opened, type, chunk * C, generated);
    client.send(FrameCodec.encode(header, rows.slice(chunk * C * D, C * D)).array());
    float[] out = new float[D];
    ((Result) client.next()).rows().get(0, out);
    return out;
  }

  private FloatBuffer prompt(int chunks) {
    return FloatBuffer.wrap(ToyServer.randomRows(random, chunks * C));
  }

  private int known(RowType type, List<String> prefix) throws InterruptedException {
    try (RawClient client = new RawClient(toy.uri())) {
      return open(client, type, prefix).firstPosition();
    }
  }

  @Test
  void aServerFindsWhatItHashedItself() throws Exception {
    for (RowType type : List.of(RowType.F32, RowType.F16)) {
      FloatBuffer rows = prompt(3);
      try (RawClient client = new RawClient(toy.uri());
          RawClient again = new RawClient(toy.uri())) {
        Opened first = open(client, type, List.of());
        List<String> hashes = hashes(first, type, rows, 3);
        float[] last = new float[D];
        for (int chunk = 0; chunk < 3; chunk++) {
          last = send(client, first, type, rows, chunk, false);
        }
        Opened second = open(again, type, hashes.subList(0, 2));
        assertThat(second.firstPosition()).isEqualTo(2 * C);
        assertThat(send(again, second, type, rows, 2, false)).isEqualTo(last);
        assertThat(known(type, hashes)).isEqualTo(3 * C);
        assertThat(known(type, hashes.subList(1, 3))).isZero();
        assertThat(known(type == RowType.F32 ? RowType.F16 : RowType.F32, hashes)).isZero();
        assertThat(known(type, hashes.stream().map(h -> h.toUpperCase(Locale.ROOT)).toList()))
            .isEqualTo(3 * C);
      }
    }
  }

  @Test
  void whatAClientClaimsIsNotBelieved() throws Exception {
    FloatBuffer claimed = prompt(2);
    FloatBuffer sent = prompt(2);
    try (RawClient client = new RawClient(toy.uri())) {
      Opened probe = open(client, RowType.F32, List.of());
      List<String> claim = hashes(probe, RowType.F32, claimed, 2);
      Opened opened = open(client, RowType.F32, claim);
      assertThat(opened.firstPosition()).isZero();
      send(client, opened, RowType.F32, sent, 0, false);
      send(client, opened, RowType.F32, sent, 1, false);
      assertThat(known(RowType.F32, claim)).isZero();
      assertThat(known(RowType.F32, hashes(opened, RowType.F32, sent, 2))).isEqualTo(2 * C);
    }
  }

  @Test
  void onlyWholeChunksOfOneRunOfPromptRowsAreKept() throws Exception {
    FloatBuffer rows = prompt(3);
    try (RawClient client = new RawClient(toy.uri())) {
      Opened opened = open(client, RowType.F32, List.of());
      List<String> hashes = hashes(opened, RowType.F32, rows, 3);
      send(client, opened, RowType.F32, rows, 0, false);
      send(client, opened, RowType.F32, rows, 1, true);
      send(client, opened, RowType.F32, rows, 2, false);
      assertThat(known(RowType.F32, hashes)).isEqualTo(C);
      send(client, opened, RowType.F32, rows, 0, true);
      send(client, opened, RowType.F32, rows, 1, false);
      assertThat(known(RowType.F32, hashes)).isEqualTo(C);
      send(client, opened, RowType.F32, rows, 0, false);
      send(client, opened, RowType.F32, rows, 1, false);
      assertThat(known(RowType.F32, hashes)).isEqualTo(2 * C);
    }
  }

  @Test
  void wrongClaimsAreRefused() throws Exception {
    String hash = "ab".repeat(32);
    for (List<String> wrong :
        List.of(List.of("ab"), List.of(hash, hash + "ab"), Collections.nCopies(65, hash))) {
      try (RawClient client = new RawClient(toy.uri())) {
        client.send(
            ControlCodec.encodeClient(
                new Open(
                    1,
                    "",
                    SPAN,
                    RowType.F32,
                    RowType.F32,
                    200,
                    WireProfile.ANY,
                    Optional.empty(),
                    wrong)));
        client.assertError(ErrorCode.PROTOCOL);
        client.assertClosed(1002);
      }
    }
    assertThat(known(RowType.F32, Collections.nCopies(64, hash))).isZero();
  }

  @Test
  void aServerThatKeepsNothingForAnyoneSaysSo() throws Exception {
    FloatBuffer rows = prompt(1);
    for (PrefixCaching none :
        List.of(new PrefixCaching(1 << 20, false), new PrefixCaching(0, true))) {
      try (ToyServer other = new ToyServer(anyPort().withPrefixes(none));
          RawClient client = new RawClient(other.uri())) {
        client.send(ControlCodec.encodeClient(new InfoRequest(1, false)));
        assertThat(((Info) client.next()).features()).doesNotContain("prefix");
        Opened opened = open(client, RowType.F32, List.of());
        send(client, opened, RowType.F32, rows, 0, false);
        List<String> hashes = hashes(opened, RowType.F32, rows, 1);
        assertThat(open(client, RowType.F32, hashes).firstPosition()).isZero();
      }
    }
    try (RawClient client = new RawClient(toy.uri())) {
      client.send(ControlCodec.encodeClient(new InfoRequest(1, false)));
      assertThat(((Info) client.next()).features()).contains("prefix");
    }
  }
}
