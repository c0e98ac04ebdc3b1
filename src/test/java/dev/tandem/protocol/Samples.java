package dev.tandem.protocol;

import dev.tandem.sampling.TopLogits;
import dev.tandem.settings.Offer;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;

/** Random valid messages, and damage to them. */
public final class Samples {
  /** Limits that the samples keep. */
  public static final FrameLimits LIMITS = new FrameLimits(16, 24);

  private final Random random;

  /** Everything follows from the seed. */
  public Samples(long seed) {
    random = new Random(seed);
  }

  /** A step within {@link #LIMITS}. */
  public FrameHeader stepHeader() {
    int rows = 1 + random.nextInt(LIMITS.maxRows());
    int nOut = random.nextInt(rows + 1);
    boolean generated = random.nextBoolean();
    return new FrameHeader(
        FrameKind.STEP,
        pick(RowType.values()),
        generated,
        !generated && random.nextBoolean(),
        id(),
        id(),
        id(),
        random.nextInt(1 << 20),
        rows,
        1 + random.nextInt(LIMITS.maxColumns()),
        random.nextInt(rows - nOut + 1),
        nOut);
  }

  /** Rows for a header, NaN and infinities among them. */
  public FloatBuffer rows(FrameHeader header) {
    FloatBuffer rows = FloatBuffer.allocate(header.rows() * header.columns());
    for (int i = 0; i < rows.capacity(); i++) {
      rows.put(
          i, i % 7 == 0 ? Float.intBitsToFloat(random.nextInt()) : (float) random.nextGaussian());
    }
    return rows;
  }

  /** A client's control message. */
  public ClientMessage client() {
    return switch (random.nextInt(5)) {
      case 0 -> new InfoRequest(id(), random.nextBoolean());
      case 1 -> {
        int begin = random.nextInt(50);
        Span span = new Span(begin, begin + random.nextInt(50), pick(Output.values()));
        yield new Open(
            id(),
            random.nextBoolean() ? "" : text(),
            span,
            pick(RowType.values()),
            pick(RowType.values()),
            id(),
            profile(),
            span.hasHead() && random.nextBoolean() ? Optional.of(topReply()) : Optional.empty(),
            prefix());
      }
      case 2 -> new RowRequest(id(), id(), id());
      case 3 -> new Resume(id(), token());
      default -> new CloseSequence(id());
    };
  }

  /** A server's control message. */
  public ServerMessage server() {
    return switch (random.nextInt(5)) {
      case 0 -> {
        List<ModelOffer> offers = new ArrayList<>();
        for (int i = random.nextInt(3); i >= 0; i--) {
          offers.add(offer());
        }
        yield new Info(random.nextInt(100), List.of("topk", text()), offers);
      }
      case 1 ->
          new Opened(
              id(),
              id(),
              id(),
              text(),
              profile(),
              SequenceLimits.of(
                  1 + random.nextInt(512),
                  1 + random.nextInt(4096),
                  1 + random.nextInt(99_999),
                  id()),
              random.nextBoolean() ? Optional.empty() : Optional.of(token()),
              random.nextBoolean() ? 0 : id());
      case 2 ->
          new ErrorMessage(pick(ErrorCode.values()), text(), random.nextInt(9), random.nextInt(9));
      case 3 -> new Resumed(id(), id(), id(), random.nextInt(1 << 20));
      default -> new CloseSequence(id());
    };
  }

  private ResumeToken token() {
    return new ResumeToken(
        String.format(Locale.ROOT, "%016x%016x", random.nextLong(), random.nextLong()));
  }

  private List<String> prefix() {
    List<String> hashes = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      byte[] hash = new byte[32];
      random.nextBytes(hash);
      hashes.add(HexFormat.of().formatHex(hash));
    }
    return hashes;
  }

  /** What an open may ask for. */
  public TopReply topReply() {
    List<Double> temperatures = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      temperatures.add(Math.pow(10, random.nextInt(60) - 30) * (1 + random.nextDouble()) / 2);
    }
    temperatures.replaceAll(t -> Math.min(Math.max(t, 1e-30), 1e30));
    return new TopReply(1 + random.nextInt(TopLogits.MAX_SIZE), temperatures);
  }

  private ModelOffer offer() {
    int begin = random.nextInt(10);
    int end = begin + random.nextInt(10);
    List<TensorHash> tensors = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      tensors.add(new TensorHash(text(), "f32", List.of(3L, random.nextLong() >>> 1), text()));
    }
    return new ModelOffer(
        text(),
        text(),
        end + random.nextInt(3),
        new StageSpec(new Span(begin, end, pick(Output.values())), id(), id(), id()),
        profile(),
        pick(
            new Offer[] {
              Offer.NONE, Offer.EMBEDDINGS, Offer.HEAD, Offer.ofLayers(random.nextInt(1_000_000))
            }),
        random.nextBoolean()
            ? OptionalDouble.empty()
            : OptionalDouble.of((1 + random.nextInt(1_000_000)) / 1e3),
        tensors);
  }

  private WireProfile profile() {
    return random.nextInt(4) == 0
        ? WireProfile.ANY
        : new WireProfile(text(), "table", "f32", text(), random.nextInt(3), text(), "");
  }

  private int id() {
    return 1 + random.nextInt(Integer.MAX_VALUE);
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i >= 0; i--) {
      text.append((char) (' ' + random.nextInt(random.nextInt(5) == 0 ? 0xd000 : 90)));
    }
    return text.toString().replaceAll("\\p{Cntrl}", "_");
  }

  private <E> E pick(E[] values) {
    return values[random.nextInt(values.length)];
  }

  /** The bytes with one to four of them changed, or cut short, lengthened or duplicated. */
  public byte[] mutate(byte[] valid) {
    byte[] bytes =
        switch (random.nextInt(8)) {
          case 0 -> Arrays.copyOf(valid, random.nextInt(valid.length + 1));
          case 1 -> Arrays.copyOf(valid, valid.length + 1 + random.nextInt(64));
          default -> valid.clone();
        };
    for (int i = 1 + random.nextInt(4); i > 0 && bytes.length > 0; i--) {
      // Mostly in the header, where it matters.
      int at = random.nextInt(random.nextBoolean() ? Math.min(48, bytes.length) : bytes.length);
      bytes[at] =
          switch (random.nextInt(4)) {
            case 0 -> (byte) random.nextInt();
            case 1 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
            case 2 -> (byte) 0xff;
            default -> (byte) (bytes[at] + 1);
          };
    }
    return bytes;
  }
}
