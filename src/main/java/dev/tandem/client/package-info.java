/**
 * Runs stages on servers: a connection that carries many sequences, and {@code RemoteStage}, which
 * makes what is at its other end look like any other stage.
 */
package dev.tandem.client;
