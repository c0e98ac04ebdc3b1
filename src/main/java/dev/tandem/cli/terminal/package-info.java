/**
 * What every command needs: arguments, the environment, standard streams, messages, interrupts and
 * exit codes. Results go to standard output, everything else to standard error.
 */
package dev.tandem.cli.terminal;
