package dev.tandem.hosting;

import dev.tandem.formats.gguf.GgufImage;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.protocol.Protocol;
import dev.tandem.server.OfferedParts;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Offer;
import dev.tandem.settings.WeightType;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/** The client's parts of an open model, as GGUF files that are made while they are read. */
final class ModelParts implements OfferedParts {
  /** The version of the file's layout, so that a client does not continue one of another. */
  private static final String TAG = "part-1-";

  private static final String APPROXIMATE_TAG = Protocol.APPROXIMATE_TAG + "1-";

  /** Headers that are kept; each may have some MB, most of it the vocabulary. */
  private static final int KEPT = 4;

  private final Checkpoint checkpoint;
  private final Offer offer;
  private final Semaphore converting = new Semaphore(1);
  private final Map<Asked, Part> opened =
      new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Asked, Part> eldest) {
          return size() > KEPT;
        }
      };

  private ModelParts(Checkpoint checkpoint, Offer offer) {
    this.checkpoint = checkpoint;
    this.offer = offer;
  }

  /**
   * What is offered of a checkpoint.
   *
   * @param given empty for the head, or as much of it as the checkpoint holds
   * @return empty for nothing
   * @throws IOException if the checkpoint does not hold what is given
   */
  static Optional<OfferedParts> of(Checkpoint checkpoint, Optional<Offer> given)
      throws IOException {
    Offer offer = given.orElse(Offer.HEAD);
    Offer held = held(checkpoint);
    if (!held.covers(offer)) {
      if (given.isPresent()) {
        throw new IOException(
            checkpoint.name()
                + " has "
                + checkpoint.part()
                + ", so "
                + offer
                + " cannot be offered; offer "
                + held);
      }
      offer = held;
    }
    return offer.equals(Offer.NONE)
        ? Optional.empty()
        : Optional.of(new ModelParts(checkpoint, offer));
  }

  /** The most that a checkpoint holds. */
  private static Offer held(Checkpoint checkpoint) {
    ModelPart part = checkpoint.part();
    if (!part.embedding()) {
      return Offer.NONE;
    }
    if (!part.head()) {
      return Offer.EMBEDDINGS;
    }
    return Offer.ofLayers(part.layers().begin() == 0 ? part.layers().end() : 0);
  }

  @Override
  public Offer offer() {
    return offer;
  }

  /** What a client asks for. */
  private record Asked(Offer wanted, Optional<WeightType> type) {}

  @Override
  public Optional<Part> open(Offer wanted, Optional<WeightType> type) throws IOException {
    Asked asked = new Asked(wanted, type);
    Optional<Part> known = known(asked);
    if (known.isPresent()) {
      return known;
    }
    if (type.isEmpty()) {
      return Optional.of(exact(asked));
    }
    if (!converting.tryAcquire()) {
      return known(asked); // it may have been finished just now
    }
    try {
      Optional<Part> finished = known(asked);
      return finished.isPresent() ? finished : Optional.of(approximate(asked, type.get()));
    } catch (ModelFormatException e) {
      throw new InvalidSettingException(
          "type", "must hold the model's values (" + e.getMessage() + ")", type.get());
    } finally {
      converting.release();
    }
  }

  private synchronized Part exact(Asked asked) throws IOException {
    Optional<Part> known = known(asked);
    return known.isPresent()
        ? known.get()
        : kept(asked, new Image(TAG, GgufImage.of(cut(asked.wanted()))));
  }

  private Part approximate(Asked asked, WeightType type) throws IOException {
    DType dtype = DType.valueOf(type.name());
    return kept(
        asked, new Image(APPROXIMATE_TAG, GgufImage.approximate(cut(asked.wanted()), dtype)));
  }

  private Checkpoint cut(Offer wanted) throws IOException {
    return checkpoint.cut(new ModelPart(true, Span.layers(0, wanted.layers()), wanted.head()));
  }

  private Optional<Part> known(Asked asked) {
    synchronized (opened) {
      return Optional.ofNullable(opened.get(asked));
    }
  }

  private Part kept(Asked asked, Part part) {
    synchronized (opened) {
      opened.put(asked, part);
    }
    return part;
  }

  private record Image(String prefix, GgufImage image) implements Part {
    @Override
    public long bytes() {
      return image.bytes();
    }

    @Override
    public String tag() {
      return prefix + image.headerHash();
    }

    @Override
    public void copy(long from, long to, Sink sink) throws IOException {
      image.copy(from, to, sink::accept);
    }
  }
}
