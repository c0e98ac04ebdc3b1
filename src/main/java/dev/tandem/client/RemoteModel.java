package dev.tandem.client;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.StageSpec;

/**
 * A model that a server offers.
 *
 * @param name shown to people
 * @param nLayers blocks of the whole model
 * @param offered what can be asked for: blocks within its layer range, and the head if it has one
 * @param profile the arithmetic that the server computes with, and the model hash
 */
public record RemoteModel(
    String name, int nLayers, StageSpec offered, ArithmeticProfile profile) {}
