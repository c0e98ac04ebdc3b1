package dev.tandem.protocol;

/**
 * From the client: frees a sequence; results of its unanswered steps may not arrive. From the
 * server: the sequence is closed, and its id is no longer in use.
 *
 * @param sequence the sequence's id
 */
public record CloseSequence(int sequence) implements ClientMessage, ServerMessage {}
