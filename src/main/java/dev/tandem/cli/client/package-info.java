/** The command {@code client} and the program {@code tandem-client}, which has no other command. */
package dev.tandem.cli.client;
