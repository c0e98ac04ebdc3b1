/**
 * The one loop that turns a prompt into text, whatever stages the model is cut into: prefill,
 * decode, sampling, stop rules, streamed text.
 */
package dev.tandem.generation;
