/**
 * The one loop that turns a prompt into text, for any list of stages: prefill, decode, sampling,
 * stop rules, streamed text.
 */
package dev.tandem.generation;
