package dev.tandem.measure;

import dev.tandem.settings.Output;
import java.util.List;
import java.util.Locale;

/** The places of a measured model's spans. The client's side has the embedding and sampling. */
public enum Placement {
  /** Everything in this process's engine. */
  WHOLE,

  /** Server: all layers; client: the head. */
  K0_HIDDEN,

  /** Server: all layers and the head. */
  K0_LOGITS,

  /** Client: the first half of the layers, and the head; server: the other half. */
  HALF_HIDDEN;

  /** The names in options and tables, such as {@code k0-hidden}. */
  public static List<String> names() {
    return List.of(values()).stream().map(Placement::toString).toList();
  }

  /**
   * The placement of that name.
   *
   * @throws IllegalArgumentException if there is none; the message lists all names
   */
  public static Placement of(String name) {
    for (Placement placement : values()) {
      if (placement.toString().equals(name)) {
        return placement;
      }
    }
    throw new IllegalArgumentException(
        "no placement '" + name + "'; there are " + String.join(", ", names()));
  }

  /** Whether there is a server. */
  boolean split() {
    return this != WHOLE;
  }

  /** Layers on the client's side. */
  int localLayers(int nLayers) {
    return switch (this) {
      case WHOLE -> nLayers;
      case K0_HIDDEN, K0_LOGITS -> 0;
      case HALF_HIDDEN -> nLayers / 2;
    };
  }

  /** The reply of the server, if there is one. */
  Output reply() {
    return this == K0_LOGITS ? Output.LOGITS : Output.HIDDEN;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
