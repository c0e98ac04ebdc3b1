package dev.tandem.protocol;

/**
 * A request was refused, or failed.
 *
 * @param code the reason; {@link ErrorCode#closesConnection} says whether the connection ends
 * @param message one line in words
 * @param request the request that it answers; 0 if none is known
 * @param sequence the sequence that it belongs to; 0 if none is known
 */
public record ErrorMessage(ErrorCode code, String message, int request, int sequence)
    implements ServerMessage {}
