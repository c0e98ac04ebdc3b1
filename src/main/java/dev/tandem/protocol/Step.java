package dev.tandem.protocol;

import java.nio.FloatBuffer;

/**
 * Rows to compute.
 *
 * @param header of kind {@link FrameKind#STEP}
 * @param rows {@code [header.rows(), header.columns()]} from index 0; a view of the message
 */
public record Step(FrameHeader header, FloatBuffer rows) implements ClientMessage {}
