package dev.tandem.protocol;

/**
 * Asks what the server offers.
 *
 * @param request id of the answer, at least 1
 * @param tensors whether the answer shall list the tensors' hashes
 */
public record InfoRequest(int request, boolean tensors) implements ClientMessage {}
