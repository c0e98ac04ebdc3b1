/**
 * The library: a whole model, a model split with a server, and a server, each wired in a few lines.
 */
package dev.tandem.api;
