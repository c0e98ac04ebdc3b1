/**
 * The wire protocol, version 1: its messages as records, and the codecs between them and bytes.
 * Nothing here does I/O; {@code docs/protocol.md} is the specification.
 */
package dev.tandem.protocol;
