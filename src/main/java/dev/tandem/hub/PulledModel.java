package dev.tandem.hub;

import java.nio.file.Path;

/**
 * A model in the cache.
 *
 * @param name what {@code -c} takes
 * @param commit the state of the repository that it is
 * @param bytes of all its files
 * @param path its directory, or its file where it is a single one
 */
public record PulledModel(String name, String commit, long bytes, Path path) {}
