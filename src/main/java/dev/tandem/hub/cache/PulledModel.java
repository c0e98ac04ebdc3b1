package dev.tandem.hub.cache;

import java.nio.file.Path;

/**
 * A model in the cache.
 *
 * @param name the model's name, as a user writes it
 * @param commit the commit of the repository
 * @param bytes the bytes of all its files
 * @param path its directory, or its file if it is a single file
 */
public record PulledModel(String name, String commit, long bytes, Path path) {}
