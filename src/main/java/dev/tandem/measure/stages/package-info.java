/** Stages and sequences that measurements and tests look into: rows are kept, steps are timed. */
package dev.tandem.measure.stages;
