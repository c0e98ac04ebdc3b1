package dev.tandem.hosting;

import dev.tandem.formats.gguf.GgufImage;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.server.OfferedParts;
import dev.tandem.settings.Offer;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The client's parts of an open model, as GGUF files that are made while they are read. */
final class ModelParts implements OfferedParts {
  /** The version of the file's layout, so that a client does not continue one of another. */
  private static final String TAG = "part-1-";

  /** Headers that are kept; each may have some MB, most of it the vocabulary. */
  private static final int KEPT = 4;

  private final Checkpoint checkpoint;
  private final Offer offer;
  private final Map<Offer, Part> opened =
      new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Offer, Part> eldest) {
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

  @Override
  public synchronized Part open(Offer wanted) throws IOException {
    Part known = opened.get(wanted);
    if (known != null) {
      return known;
    }
    Checkpoint part =
        checkpoint.cut(new ModelPart(true, Span.layers(0, wanted.layers()), wanted.head()));
    Part made = new Image(GgufImage.of(part));
    opened.put(wanted, made);
    return made;
  }

  private record Image(GgufImage image) implements Part {
    @Override
    public long bytes() {
      return image.bytes();
    }

    @Override
    public String tag() {
      return TAG + image.headerHash();
    }

    @Override
    public void copy(long from, long to, Sink sink) throws IOException {
      image.copy(from, to, sink::accept);
    }
  }
}
