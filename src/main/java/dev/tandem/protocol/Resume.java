package dev.tandem.protocol;

/**
 * Asks for a sequence that was opened on another connection, and takes it away from that one.
 *
 * @param request id of the answer, at least 1
 * @param token what {@link Opened} gave for it
 */
public record Resume(int request, ResumeToken token) implements ClientMessage {}
