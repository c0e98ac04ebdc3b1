package dev.tandem.measure;

import java.util.List;

/**
 * One line of {@link Benchmark}'s table.
 *
 * @param model name
 * @param placement where it ran: {@code whole}, or the name of a split between this process and a
 *     server in it, over loopback; for a split the step includes the round trip
 * @param type type of the weights in the arithmetic
 * @param kvType type of the KV cache
 * @param threads threads that computed
 * @param batch sequences decoded together
 * @param context positions before the token
 * @param decodeMsPerToken native step with head; median
 * @param decodeFloorMs time that the paired probe took to read the bytes that a step must read
 *     (weights and KV); median
 * @param bandwidthShare floor / step of each pair; median
 * @param bandwidthShareQuartiles lower and upper quartile of the same
 * @param javaUsPerToken a generated token's time outside the stages (embedding, sampling at
 *     temperature 1 and top-p 0.9, detokenizing, the loop); median
 * @param javaGreedyUsPerToken the same with greedy sampling
 * @param aggregateTokensPerSecond batch / step
 * @param promptTokens rows of the prompt
 * @param promptTokensPerSecond median
 * @param promptSgemmShare rate of the prompt (2 x layer weights x rows / time) over the rate that
 *     OpenBLAS's sgemm reached alone at C rows on the same shapes, of each pair; median
 * @param promptSgemmShareQuartiles lower and upper quartile of the same
 * @param loadMs opening the model and its stage
 * @param peakRssBytes the process's largest resident memory so far; 0 if the system does not report
 *     it
 */
public record BenchmarkRow(
    String model,
    String placement,
    String type,
    String kvType,
    int threads,
    int batch,
    int context,
    double decodeMsPerToken,
    double decodeFloorMs,
    double bandwidthShare,
    List<Double> bandwidthShareQuartiles,
    double javaUsPerToken,
    double javaGreedyUsPerToken,
    double aggregateTokensPerSecond,
    int promptTokens,
    double promptTokensPerSecond,
    double promptSgemmShare,
    List<Double> promptSgemmShareQuartiles,
    double loadMs,
    long peakRssBytes) {}
