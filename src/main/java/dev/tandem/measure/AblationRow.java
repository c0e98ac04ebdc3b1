package dev.tandem.measure;

/**
 * One row of the ablation: the savings of a step, and its time.
 *
 * @param name the names of the savings
 * @param context positions before the token
 * @param msPerToken milliseconds of a step with head, the quartiles of all runs
 * @param speedUp the median time of the row without savings, divided by this row's
 */
public record AblationRow(String name, int context, Quartiles msPerToken, double speedUp) {}
