package dev.tandem.protocol;

/**
 * A sequence goes on on this connection.
 *
 * @param request the id of the {@link Resume}
 * @param sequence the sequence's id on this connection, at least 1
 * @param epoch the connection's epoch, at least 1
 * @param length positions that it holds: rows of the unanswered steps may be among them
 */
public record Resumed(int request, int sequence, int epoch, int length) implements ServerMessage {}
