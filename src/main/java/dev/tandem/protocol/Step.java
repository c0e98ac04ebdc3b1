package dev.tandem.protocol;

import dev.tandem.stage.StepRows;
import java.nio.FloatBuffer;

/**
 * Rows to compute.
 *
 * @param header of kind {@link FrameKind#STEP}
 * @param rows the header's statements about its rows, checked
 * @param data {@code [header.rows(), header.columns()]} from index 0; a view of the message
 */
public record Step(FrameHeader header, StepRows rows, FloatBuffer data) implements ClientMessage {}
