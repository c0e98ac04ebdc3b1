/**
 * The one loop that turns a prompt into text, whatever stages the model is cut into: embedding,
 * prompt, drawing, stop rules, streamed text, log-probabilities. It runs one sequence on one
 * thread.
 */
package dev.tandem.decoding;
