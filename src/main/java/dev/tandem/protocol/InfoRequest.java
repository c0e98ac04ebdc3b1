package dev.tandem.protocol;

/**
 * Asks for the server's offer.
 *
 * @param request id of the answer, at least 1
 * @param tensors whether the answer lists the tensors' hashes
 */
public record InfoRequest(int request, boolean tensors) implements ClientMessage {}
