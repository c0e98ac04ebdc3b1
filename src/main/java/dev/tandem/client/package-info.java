/**
 * Runs stages on servers: a connection that carries many sequences, and {@code RemoteStage}, which
 * makes a stage on a server look like any other stage.
 */
package dev.tandem.client;
