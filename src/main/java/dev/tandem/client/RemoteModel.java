package dev.tandem.client;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.StageSpec;

/**
 * A model that a server offers.
 *
 * @param name the name to show to users
 * @param nLayers layers of the whole model
 * @param offered the offer; a client may request any span within its span
 * @param profile the arithmetic that the server computes with, and the model hash
 */
public record RemoteModel(String name, int nLayers, StageSpec offered, ArithmeticProfile profile) {}
