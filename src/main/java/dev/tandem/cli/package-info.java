/**
 * The program {@code tandem}: all commands under one name. Each command parses, validates and hands
 * over to the library; the rooms below this one hold them, by the jar that needs them.
 */
package dev.tandem.cli;
