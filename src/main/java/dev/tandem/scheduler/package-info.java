/**
 * Shares a model's stages among many sequences: one engine thread per model, which batches
 * generated rows and cuts prompts into chunks. It knows neither the wire nor the engine.
 */
package dev.tandem.scheduler;
