/** The options of one generation, and how its text is shown: streamed, or as one JSON object. */
package dev.tandem.cli.generation;
