/**
 * The commands: each one parses, validates, and hands over to {@code dev.tandem.api}. Results go to
 * standard output, everything else to standard error.
 */
package dev.tandem.cli;
