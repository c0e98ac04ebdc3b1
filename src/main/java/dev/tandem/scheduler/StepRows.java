package dev.tandem.scheduler;

import dev.tandem.stage.RowKind;
import java.nio.FloatBuffer;

/**
 * One step of one sequence.
 *
 * @param position first position; below the sequence's length it truncates the sequence to it
 * @param nRows rows, at least 1 and at most C
 * @param kind prompt or generated
 * @param promptEnd whether the rows end a run of prompt rows
 * @param outBegin first wanted row
 * @param nOut wanted rows
 * @param rows {@code [nRows, dModel]} from index 0; not to be changed until the step is done
 */
public record StepRows(
    int position,
    int nRows,
    RowKind kind,
    boolean promptEnd,
    int outBegin,
    int nOut,
    FloatBuffer rows) {}
