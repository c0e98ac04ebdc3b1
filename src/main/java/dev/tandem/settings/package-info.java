/**
 * What a user may set, as values that check themselves: arithmetic, server, connection. A leaf: it
 * uses nothing else of the project, and every other room may use it.
 */
package dev.tandem.settings;
