package dev.tandem.protocol;

/**
 * Asks for a whole row of logits of a sequence that was opened with {@link TopReply}: a row of its
 * last step, which the server keeps until the next one. The answer is a {@link Result} of one row.
 *
 * @param request id of the answer, at least 1
 * @param sequence the sequence's id
 * @param row index within the step's output rows
 */
public record RowRequest(int request, int sequence, int row) implements ClientMessage {}
