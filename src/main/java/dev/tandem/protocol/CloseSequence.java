package dev.tandem.protocol;

/**
 * From the client: frees a sequence; results of its steps under way may not come any more. From the
 * server: it is done, and the id is no longer in use.
 *
 * @param sequence the sequence's id
 */
public record CloseSequence(int sequence) implements ClientMessage, ServerMessage {}
