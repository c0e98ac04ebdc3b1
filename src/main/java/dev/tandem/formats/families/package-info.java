/**
 * How other programs name and lay out the tensors of GPT-2 and Llama models, and what their {@code
 * config.json} says. Containers give tensors by name; a family turns them into ours.
 */
package dev.tandem.formats.families;
