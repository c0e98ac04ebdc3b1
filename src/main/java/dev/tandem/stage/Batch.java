package dev.tandem.stage;

import java.util.Arrays;

/**
 * A ragged batch: for each entry a sequence, its first position, its number of rows, their kind,
 * and which rows to return. Reused from step to step; it allocates only when it grows.
 *
 * <p>The rows of all entries are consecutive in the step's input, and the output rows of all
 * entries are consecutive in its output.
 */
public final class Batch {
  private static final int FIELDS = 4;

  private Sequence[] sequences = new Sequence[1];
  private RowKind[] kinds = new RowKind[1];
  private boolean[] promptEnds = new boolean[1];
  private int[] fields = new int[FIELDS];
  private int size;
  private int totalRows;
  private int totalOut;

  /** Removes all entries. */
  public void clear() {
    Arrays.fill(sequences, 0, size, null);
    size = 0;
    totalRows = 0;
    totalOut = 0;
  }

  /**
   * Adds an entry.
   *
   * @param sequence an open sequence of the stage that will run the batch; at most once per batch
   */
  public void add(Sequence sequence, StepRows rows) {
    add(
        sequence,
        rows.position(),
        rows.count(),
        rows.kind(),
        rows.promptEnd(),
        rows.outBegin(),
        rows.nOut());
  }

  /**
   * Adds an entry like {@link #add(Sequence, StepRows)}, and allocates nothing: for the loop that
   * runs once per token. The numbers are those of {@link StepRows}.
   *
   * @throws IllegalArgumentException as for {@link StepRows}
   */
  public void add(
      Sequence sequence,
      int position,
      int nRows,
      RowKind kind,
      boolean promptEnd,
      int outBegin,
      int nOut) {
    StepRows.check(position, nRows, outBegin, nOut);
    if (size == sequences.length) {
      sequences = Arrays.copyOf(sequences, 2 * size);
      kinds = Arrays.copyOf(kinds, 2 * size);
      promptEnds = Arrays.copyOf(promptEnds, 2 * size);
      fields = Arrays.copyOf(fields, 2 * size * FIELDS);
    }
    sequences[size] = sequence;
    kinds[size] = kind;
    promptEnds[size] = promptEnd;
    int at = size * FIELDS;
    fields[at] = position;
    fields[at + 1] = nRows;
    fields[at + 2] = outBegin;
    fields[at + 3] = nOut;
    size++;
    totalRows = Math.addExact(totalRows, nRows);
    totalOut = Math.addExact(totalOut, nOut);
  }

  /**
   * Adds some rows of another batch's entry, as {@link StepRows#cut} does, and allocates nothing.
   *
   * @param sequence an open sequence of the stage that will run this batch
   * @param from the first of the rows, counted within the entry
   * @param n how many, at least 1
   */
  public void addCut(Sequence sequence, Batch other, int entry, int from, int n) {
    int outBegin = other.outBegin(entry);
    int nOut = StepRows.nOutOfCut(outBegin, other.nOut(entry), from, n);
    add(
        sequence,
        other.position(entry) + from,
        n,
        other.kind(entry),
        other.promptEnd(entry) && from + n == other.nRows(entry),
        nOut == 0 ? 0 : StepRows.outBeginOfCut(outBegin, from),
        nOut);
  }

  /** Number of entries. */
  public int size() {
    return size;
  }

  /** Rows of all entries. */
  public int totalRows() {
    return totalRows;
  }

  /** Output rows of all entries. */
  public int totalOut() {
    return totalOut;
  }

  /** The entry's sequence. */
  public Sequence sequence(int entry) {
    return sequences[checked(entry)];
  }

  /** The entry's rows, as a new record. */
  public StepRows rows(int entry) {
    return new StepRows(
        position(entry), nRows(entry), kind(entry), promptEnd(entry), outBegin(entry), nOut(entry));
  }

  /** The kind of the entry's rows. */
  public RowKind kind(int entry) {
    return kinds[checked(entry)];
  }

  /** Whether the entry ends a run of prompt rows. */
  public boolean promptEnd(int entry) {
    return promptEnds[checked(entry)];
  }

  /** The entry's first position. */
  public int position(int entry) {
    return fields[checked(entry) * FIELDS];
  }

  /** The entry's number of rows. */
  public int nRows(int entry) {
    return fields[checked(entry) * FIELDS + 1];
  }

  /** How many of the entry's rows from row {@code from} on lie in the same chunk of C positions. */
  public int leftInChunk(int entry, int from, int chunkRows) {
    return StepRows.leftInChunk(position(entry), nRows(entry), from, chunkRows);
  }

  /** The entry's first output row. */
  public int outBegin(int entry) {
    return fields[checked(entry) * FIELDS + 2];
  }

  /** The entry's number of output rows. */
  public int nOut(int entry) {
    return fields[checked(entry) * FIELDS + 3];
  }

  private int checked(int entry) {
    if (entry < 0 || entry >= size) {
      throw new IndexOutOfBoundsException("entry " + entry + " of " + size);
    }
    return entry;
  }
}
