/**
 * Turns what the benchmarks measured into tables and plots. Started by {@code
 * scripts/bench-report}.
 */
@NullMarked
package dev.tandem.report;

import org.jspecify.annotations.NullMarked;
