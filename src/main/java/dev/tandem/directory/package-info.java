/**
 * Who holds which layers of a model, and which of these servers a client uses one after another.
 * Without I/O: what finds servers implements {@code Directory}.
 */
package dev.tandem.directory;
