package dev.tandem.protocol;

import java.util.List;

/**
 * The offer of a server.
 *
 * @param request the id of the {@link InfoRequest}; 0 over plain HTTP
 * @param features what the server can do beyond the first version of the protocol
 * @param models at least one
 */
public record Info(int request, List<String> features, List<ModelOffer> models)
    implements ServerMessage {
  /** Copies the lists. */
  public Info {
    features = List.copyOf(features);
    models = List.copyOf(models);
  }
}
