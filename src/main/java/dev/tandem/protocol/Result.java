package dev.tandem.protocol;

import java.nio.FloatBuffer;

/**
 * The output rows of a step.
 *
 * @param header of kind {@link FrameKind#RESULT}
 * @param rows {@code [header.rows(), header.columns()]} from index 0; a view of the message
 */
public record Result(FrameHeader header, FloatBuffer rows) implements ServerMessage {}
