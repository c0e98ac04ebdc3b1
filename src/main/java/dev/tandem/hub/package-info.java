/**
 * Models from a hub: finds out which files of a repository a model needs, downloads and checks
 * them, and keeps them in the user's cache, where they are found by name. Uses the JDK's own HTTP
 * client and knows nothing of what is in the files.
 */
package dev.tandem.hub;
