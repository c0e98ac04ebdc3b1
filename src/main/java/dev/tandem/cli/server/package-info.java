/** The command {@code server} and the program {@code tandem-server}, which has no other command. */
package dev.tandem.cli.server;
