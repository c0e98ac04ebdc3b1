package dev.tandem.protocol;

/**
 * Asks for a sequence in a stage.
 *
 * @param request id of the answer, at least 1
 * @param model hash of the model wanted; empty for the server's first
 * @param layerBegin first block wanted
 * @param layerEnd one past the last block wanted; the head follows it for logits
 * @param reply what results carry
 * @param sendType rows of steps
 * @param receiveType rows of results
 * @param maxPositions positions that the sequence may need
 * @param profile the arithmetic wanted
 */
public record Open(
    int request,
    String model,
    int layerBegin,
    int layerEnd,
    ReplyKind reply,
    RowType sendType,
    RowType receiveType,
    int maxPositions,
    WireProfile profile)
    implements ClientMessage {}
