package dev.tandem.measure;

import com.fasterxml.jackson.annotation.JsonProperty;
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
    @JsonProperty("model") String model,
    @JsonProperty("placement") String placement,
    @JsonProperty("type") String type,
    @JsonProperty("kv_type") String kvType,
    @JsonProperty("threads") int threads,
    @JsonProperty("batch") int batch,
    @JsonProperty("context") int context,
    @JsonProperty("decode_ms_per_token") double decodeMsPerToken,
    @JsonProperty("decode_floor_ms") double decodeFloorMs,
    @JsonProperty("bandwidth_share") double bandwidthShare,
    @JsonProperty("bandwidth_share_quartiles") List<Double> bandwidthShareQuartiles,
    @JsonProperty("java_us_per_token") double javaUsPerToken,
    @JsonProperty("java_greedy_us_per_token") double javaGreedyUsPerToken,
    @JsonProperty("aggregate_tokens_per_s") double aggregateTokensPerSecond,
    @JsonProperty("prompt_tokens") int promptTokens,
    @JsonProperty("prompt_tokens_per_s") double promptTokensPerSecond,
    @JsonProperty("prompt_sgemm_share") double promptSgemmShare,
    @JsonProperty("prompt_sgemm_share_quartiles") List<Double> promptSgemmShareQuartiles,
    @JsonProperty("load_ms") double loadMs,
    @JsonProperty("peak_rss_bytes") long peakRssBytes) {}
