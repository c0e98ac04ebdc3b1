/**
 * Shares a model's stages among many sequences: it batches generated rows and cuts prompts into
 * chunks. It knows neither the wire nor the engine, and needs no library.
 */
package dev.tandem.scheduler;
