/**
 * Models from a hub: chooses the files of a repository that a model needs, downloads and checks
 * them, and keeps them in the user's cache, where a name finds them. Uses the JDK's own HTTP
 * client. It knows the names of model files, but does not read their content.
 */
package dev.tandem.hub;
