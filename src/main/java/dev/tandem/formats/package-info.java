/**
 * Opens a checkpoint by name or path, whatever its format, and chooses the writer of a format.
 * Every format has a room below this one; this one only holds the lists of them.
 */
package dev.tandem.formats;
