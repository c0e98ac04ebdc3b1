/**
 * Tandem beside other engines: the same random model in each, every engine in a process of its own,
 * in turn. Started by {@code scripts/peers}.
 */
package dev.tandem.peers;
