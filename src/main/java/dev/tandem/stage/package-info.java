/**
 * A stage is a contiguous piece of a model's chain of layers, wherever it runs; it steps batches of
 * rows and keeps a KV cache for every sequence. These are the interfaces and values that local,
 * remote and plain stages share.
 */
package dev.tandem.stage;
