package dev.tandem.protocol;

import java.util.List;

/**
 * The offer of a server.
 *
 * @param request the id of the {@link InfoRequest}; 0 over plain HTTP
 * @param models at least one
 */
public record Info(int request, List<ModelOffer> models) implements ServerMessage {
  /** Copies the list. */
  public Info {
    models = List.copyOf(models);
  }
}
