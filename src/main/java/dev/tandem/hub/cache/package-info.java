/**
 * The user's cache of pulled models: where each one is, and which names models of a hub can have.
 * Finds a model without any network; {@code dev.tandem.hub} fills the cache.
 */
package dev.tandem.hub.cache;
