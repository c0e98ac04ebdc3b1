/** Commands that measure: bench, compare, perplexity. */
package dev.tandem.cli.measure;
