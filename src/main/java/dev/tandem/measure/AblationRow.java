package dev.tandem.measure;

/**
 * One row of the ablation: what a step saves, and what it takes then.
 *
 * @param name what is saved
 * @param context positions before the token
 * @param msPerToken milliseconds of a step with head, the quartiles of all runs
 * @param speedUp the median of the row that saves nothing, over this one's
 */
public record AblationRow(String name, int context, Quartiles msPerToken, double speedUp) {}
