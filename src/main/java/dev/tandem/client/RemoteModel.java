package dev.tandem.client;

import dev.tandem.directory.Holder;
import dev.tandem.settings.Offer;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.util.OptionalDouble;

/**
 * A model that a server offers.
 *
 * @param name the name to show to users
 * @param nLayers layers of the whole model
 * @param offered the offer; a client may request any span within its span
 * @param profile the arithmetic that the server computes with, and the model hash
 * @param layerMillis how long a layer takes for a step of generated rows; empty if the server does
 *     not say
 * @param files what a client may download of it
 */
public record RemoteModel(
    String name,
    int nLayers,
    StageSpec offered,
    ArithmeticProfile profile,
    OptionalDouble layerMillis,
    Offer files) {

  /**
   * The failure of a client that has another model.
   *
   * @param server for the message
   * @param name what the client calls its model
   * @param hash the hash of the client's model
   */
  public IOException isNot(String server, String name, String hash) {
    return Holder.isNot(server, this.name, profile.modelHash(), name, hash);
  }
}
