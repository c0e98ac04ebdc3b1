package dev.tandem.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Writes {@code report.md} and its plots from the JSON files of the benchmarks.
 *
 * <p>Each file is optional, so that a part of the set can be run again: {@code system.json}, {@code
 * decode.json}, {@code batch.json}, {@code large.json} of {@code tandem bench}, {@code
 * compare.json} and {@code ablate.json}, {@code kernels.json} and {@code jmh.json} of JMH, {@code
 * peers.json}.
 */
final class BenchReport {
  private final Path measured;
  private final Path out;
  private final StringBuilder text = new StringBuilder();

  private BenchReport(Path measured, Path out) {
    this.measured = measured;
    this.out = out;
  }

  /** Arguments: the folder with the JSON files, the folder for the report. */
  public static void main(String[] args) throws IOException {
    new BenchReport(Path.of(args[0]), Path.of(args[1])).write();
  }

  private void write() throws IOException {
    Files.createDirectories(out);
    text.append("# Benchmark report\n\nMade by `scripts/bench-report`; ")
        .append("[README.md](README.md) says what each figure means.\n");
    machine();
    decode();
    batches();
    large();
    kernels();
    peers();
    backends();
    jmh();
    Files.writeString(out.resolve("report.md"), text.toString());
  }

  private Optional<JsonNode> read(String name) throws IOException {
    Path file = measured.resolve(name);
    return Files.exists(file)
        ? Optional.of(new ObjectMapper().readTree(file.toFile()))
        : Optional.empty();
  }

  private List<JsonNode> rows(String name) throws IOException {
    return rows(name, "rows");
  }

  private List<JsonNode> rows(String name, String field) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    read(name).ifPresent(report -> report.path(field).forEach(rows::add));
    return rows;
  }

  private void heading(String title) {
    text.append("\n## ").append(title).append("\n\n");
  }

  private void line(String format, Object... args) {
    text.append(String.format(Locale.ROOT, format, args)).append('\n');
  }

  private void plot(String file, String alt, Plot plot) throws IOException {
    plot.write(out.resolve(file));
    line("![%s](%s)\n", alt, file);
  }

  private void machine() throws IOException {
    Optional<JsonNode> report = read("decode.json");
    if (report.isPresent()) {
      JsonNode system = report.get().path("system");
      line(
          "\n%s, kernels %s, %d threads, %s. Memory read bandwidth at the start %.1f GB/s, sgemm"
              + " alone %.0f GFLOP/s. %s, Java %s.",
          system.path("cpu").asText(),
          system.path("isa").asText(),
          system.path("threads").asInt(),
          system.path("blas_core").asText(),
          system.path("read_gbps").asDouble(),
          system.path("sgemm_gflops").asDouble(),
          System.getProperty("os.name") + " " + System.getProperty("os.version"),
          System.getProperty("java.version"));
    }
  }

  private static double bandwidth(JsonNode row) {
    return row.path("bandwidth_share").asDouble();
  }

  private static double quartile(JsonNode row, String field, int i) {
    return 100 * row.path(field).path(i).asDouble();
  }

  private void decodeTable(List<JsonNode> rows) {
    line("| model | type | context | ms/token | floor ms | share of bandwidth | Java us |");
    line("|---|---|---|---|---|---|---|");
    for (JsonNode row : rows) {
      line(
          "| %s | %s | %d | %.2f | %.2f | %.1f%% (%.1f-%.1f) | %.0f |",
          row.path("model").asText(),
          row.path("type").asText(),
          row.path("context").asInt(),
          row.path("decode_ms_per_token").asDouble(),
          row.path("decode_floor_ms").asDouble(),
          100 * bandwidth(row),
          quartile(row, "bandwidth_share_quartiles", 0),
          quartile(row, "bandwidth_share_quartiles", 1),
          row.path("java_us_per_token").asDouble());
    }
  }

  /** For each type, y over x. */
  private static Map<String, SortedMap<Double, Double>> byType(
      List<JsonNode> rows, String x, ToDoubleFunction<JsonNode> y) {
    Map<String, SortedMap<Double, Double>> lines = new LinkedHashMap<>();
    for (JsonNode row : rows) {
      lines
          .computeIfAbsent(row.path("type").asText(), type -> new TreeMap<>())
          .put(row.path(x).asDouble(), y.applyAsDouble(row));
    }
    return lines;
  }

  private void decode() throws IOException {
    List<JsonNode> rows = rows("decode.json");
    if (rows.isEmpty()) {
      return;
    }
    heading("One token, and a prompt");
    decodeTable(rows);
    line("");
    plot(
        "context.svg",
        "ms per token by context",
        new Plot("Decoding one sequence", "tokens of context", "ms per token")
            .lines(byType(rows, "context", row -> row.path("decode_ms_per_token").asDouble())));
    line("| model | type | prompt | tokens/s | of sgemm alone in f32 |");
    line("|---|---|---|---|---|");
    Map<String, JsonNode> first = new LinkedHashMap<>();
    rows.forEach(row -> first.putIfAbsent(row.path("type").asText(), row));
    for (JsonNode row : first.values()) {
      line(
          "| %s | %s | %d | %.0f | %.1f%% (%.1f-%.1f) |",
          row.path("model").asText(),
          row.path("type").asText(),
          row.path("prompt_tokens").asInt(),
          row.path("prompt_tokens_per_s").asDouble(),
          100 * row.path("prompt_sgemm_share").asDouble(),
          quartile(row, "prompt_sgemm_share_quartiles", 0),
          quartile(row, "prompt_sgemm_share_quartiles", 1));
    }
  }

  private void batches() throws IOException {
    List<JsonNode> rows = rows("batch.json");
    if (rows.isEmpty()) {
      return;
    }
    heading("Sequences together");
    Map<String, SortedMap<Double, Double>> lines =
        byType(rows, "batch", row -> row.path("aggregate_tokens_per_s").asDouble());
    plot(
        "clients.svg",
        "aggregate tokens per second by clients",
        new Plot("Sequences decoded together", "sequences", "tokens/s, all together").lines(lines));
    line("| type | sequences | tokens/s | of one |");
    line("|---|---|---|---|");
    lines.forEach(
        (type, points) -> {
          double one = points.values().iterator().next();
          points.forEach(
              (sequences, rate) ->
                  line("| %s | %.0f | %.0f | %.2fx |", type, sequences, rate, rate / one));
        });
  }

  private void large() throws IOException {
    List<JsonNode> rows = rows("large.json");
    if (!rows.isEmpty()) {
      heading("GPT-2 large");
      decodeTable(rows);
    }
  }

  private void kernels() throws IOException {
    Optional<JsonNode> results = read("kernels.json");
    if (results.isPresent()) {
      heading("Kernels against their roofline");
      Roofline roofline = new Roofline(results.get());
      text.append(roofline.table());
      line("");
      plot("roofline.svg", "operations per second by intensity", roofline.plot());
    }
  }

  private void peers() throws IOException {
    Optional<JsonNode> cells = read("peers.json");
    if (cells.isEmpty()) {
      return;
    }
    heading("Beside other engines");
    line("In turn, round after round, on the same random model; above 1 we are faster.\n");
    line("| weights | measure | engine | ms: median | times ours: median (quartiles) |");
    line("|---|---|---|---|---|");
    for (JsonNode cell : cells.get()) {
      JsonNode ratio = cell.path("ratio");
      line(
          "| %s | %s | %s | %.2f | %.2f (%.2f-%.2f) |",
          cell.path("type").asText(),
          cell.path("measure").asText(),
          cell.path("engine").asText(),
          cell.path("millis").path("median").asDouble(),
          ratio.path("median").asDouble(),
          ratio.path("lower").asDouble(),
          ratio.path("upper").asDouble());
    }
  }

  /** Tables whose columns are the fields of their rows. */
  private void backends() throws IOException {
    fieldsTable("Backends", rows("compare.json", "backends"));
    fieldsTable("Ablation", rows("ablate.json", "ablation"));
  }

  /** Lists, such as generated ids, have no column. */
  private void fieldsTable(String title, List<JsonNode> rows) {
    if (!rows.isEmpty()) {
      heading(title);
      List<String> fields = new ArrayList<>();
      rows.get(0).fieldNames().forEachRemaining(fields::add);
      fields.removeIf(field -> rows.get(0).path(field).isContainerNode());
      line("| %s |", String.join(" | ", fields));
      line("|%s", "---|".repeat(fields.size()));
      for (JsonNode row : rows) {
        line("| %s |", String.join(" | ", fields.stream().map(f -> cell(row.path(f))).toList()));
      }
    }
  }

  private static String cell(JsonNode value) {
    return value.isFloatingPointNumber()
        ? String.format(Locale.ROOT, "%.4g", value.asDouble())
        : value.asText();
  }

  private void jmh() throws IOException {
    Optional<JsonNode> results = read("jmh.json");
    if (results.isEmpty()) {
      return;
    }
    heading("JMH");
    line("| benchmark | parameters | mean | unit |");
    line("|---|---|---|---|");
    for (JsonNode result : results.get()) {
      String benchmark = result.path("benchmark").asText();
      String simpleName = benchmark.replaceFirst(".*[.](?=[^.]*[.][^.]*$)", "");
      JsonNode metric = result.path("primaryMetric");
      List<String> params = new ArrayList<>();
      for (Map.Entry<String, JsonNode> param : result.path("params").properties()) {
        params.add(param.getKey() + " " + param.getValue().asText());
      }
      line(
          "| %s | %s | %.4g ± %.2g | %s |",
          simpleName,
          String.join(", ", params),
          metric.path("score").asDouble(),
          metric.path("scoreError").asDouble(),
          metric.path("scoreUnit").asText());
    }
  }
}
