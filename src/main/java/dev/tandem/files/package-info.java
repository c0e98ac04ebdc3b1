/**
 * Models' files: what they hold, how they are written in other formats and types, and how they are
 * downloaded. No program needs it to run a model.
 */
package dev.tandem.files;
