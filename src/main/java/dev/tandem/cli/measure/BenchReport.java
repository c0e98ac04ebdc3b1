package dev.tandem.cli.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.tandem.measure.BenchmarkRow;
import dev.tandem.measure.SystemReport;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Formats the rows of {@code bench}. */
final class BenchReport {
  private BenchReport() {}

  static String table(SystemReport system, List<BenchmarkRow> rows) {
    StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            "%s, %s, %s; reads %.1f GB/s, sgemm %.0f GFLOP/s with %d threads%n%n",
            system.cpu(),
            system.isa(),
            system.blas(),
            system.readGbps(),
            system.sgemmGflops(),
            system.threads()));
    table.append(
        "model             type          KV   placement   threads batch context  ms/token  floor ms  share of bandwidth"
            + "  java us: top-p, greedy  tokens/s  prompt  tokens/s  share of sgemm");
    for (BenchmarkRow row : rows) {
      table.append(System.lineSeparator()).append(line(row));
    }
    return table.toString();
  }

  private static String line(BenchmarkRow row) {
    return String.format(
        Locale.ROOT,
        "%-17s %-13s %-4s %-11s %7d %5d %7d %9.3f %9.3f  %5.1f%% (%5.1f-%5.1f)"
            + " %14.0f %8.0f %9.1f %7d %9.0f  %5.1f%% (%5.1f-%5.1f)",
        row.model(),
        row.type(),
        row.kvType(),
        row.placement(),
        row.threads(),
        row.batch(),
        row.context(),
        row.decodeMsPerToken(),
        row.decodeFloorMs(),
        100 * row.bandwidthShare(),
        100 * row.bandwidthShareQuartiles().get(0),
        100 * row.bandwidthShareQuartiles().get(1),
        row.javaUsPerToken(),
        row.javaGreedyUsPerToken(),
        row.aggregateTokensPerSecond(),
        row.promptTokens(),
        row.promptTokensPerSecond(),
        100 * row.promptSgemmShare(),
        100 * row.promptSgemmShareQuartiles().get(0),
        100 * row.promptSgemmShareQuartiles().get(1));
  }

  static String json(SystemReport system, List<BenchmarkRow> rows) throws IOException {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("cpu", system.cpu());
    facts.put("isa", system.isa());
    facts.put("blas_core", system.blas());
    facts.put("threads", system.threads());
    facts.put("read_gbps", system.readGbps());
    facts.put("sgemm_gflops", system.sgemmGflops());
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("system", facts);
    report.put("rows", rows.stream().map(BenchReport::facts).toList());
    return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(report);
  }

  private static Map<String, Object> facts(BenchmarkRow row) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", row.model());
    facts.put("placement", row.placement());
    facts.put("type", row.type());
    facts.put("kv_type", row.kvType());
    facts.put("threads", row.threads());
    facts.put("batch", row.batch());
    facts.put("context", row.context());
    facts.put("decode_ms_per_token", row.decodeMsPerToken());
    facts.put("decode_floor_ms", row.decodeFloorMs());
    facts.put("bandwidth_share", row.bandwidthShare());
    facts.put("bandwidth_share_quartiles", row.bandwidthShareQuartiles());
    facts.put("java_us_per_token", row.javaUsPerToken());
    facts.put("java_greedy_us_per_token", row.javaGreedyUsPerToken());
    facts.put("aggregate_tokens_per_s", row.aggregateTokensPerSecond());
    facts.put("prompt_tokens", row.promptTokens());
    facts.put("prompt_tokens_per_s", row.promptTokensPerSecond());
    facts.put("prompt_sgemm_share", row.promptSgemmShare());
    facts.put("prompt_sgemm_share_quartiles", row.promptSgemmShareQuartiles());
    facts.put("load_ms", row.loadMs());
    facts.put("peak_rss_bytes", row.peakRssBytes());
    return facts;
  }
}
