package dev.tandem.plain;

/**
 * The end of a model.
 *
 * @param lmHead {@code [vocabSize, dModel]}
 */
record Head(Norm norm, Matrix lmHead) {}
