/**
 * The library: a whole model, a model split with a server, and a server; each needs only a few
 * lines.
 */
package dev.tandem.api;
