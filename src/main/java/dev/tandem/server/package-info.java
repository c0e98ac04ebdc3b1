/**
 * Offers a model's stages to clients over WebSockets: the event loop does I/O only, each model's
 * scheduler computes. Limits, liveness and error replies of {@code docs/protocol.md} live here.
 */
package dev.tandem.server;
