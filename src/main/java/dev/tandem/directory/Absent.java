package dev.tandem.directory;

import java.io.IOException;
import java.net.URI;

/**
 * A server that cannot be used at the moment.
 *
 * @param server where it should be
 * @param cause why; its message is for the user
 */
public record Absent(URI server, IOException cause) {}
