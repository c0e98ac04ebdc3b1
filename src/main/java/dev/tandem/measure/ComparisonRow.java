package dev.tandem.measure;

import dev.tandem.settings.Backend;
import java.util.List;
import java.util.Optional;

/**
 * One backend's result in a {@link Comparison}.
 *
 * @param ids the tokens that it chose
 * @param tokensPerSecond tokens of prompt and continuation over the time for both; median
 * @param speedUp how many times as fast as {@link Backend#NAIVE}; NaN if that did not run
 * @param peakRssBytes the process's largest resident memory while it was loaded and ran; 0 if the
 *     system does not report it
 * @param largestLogitDifference the largest difference of logits that it and the first backend
 *     computed after the same tokens
 * @param disagreement the first token that differs from the first backend's
 */
public record ComparisonRow(
    Backend backend,
    List<Integer> ids,
    double tokensPerSecond,
    double speedUp,
    long peakRssBytes,
    double largestLogitDifference,
    Optional<Disagreement> disagreement) {}
