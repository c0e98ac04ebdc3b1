package dev.tandem.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The results of {@code KernelBenchmark}. */
final class Roofline {

  /**
   * One result.
   *
   * @param roof the higher of the two bounds in percent of the time
   */
  private record Point(
      String type,
      String kind,
      int rows,
      double millis,
      double roof,
      double gops,
      double peakGops,
      double readGbps,
      double intensity) {}

  private final List<Point> points = new ArrayList<>();

  Roofline(JsonNode jmhResults) {
    for (JsonNode result : jmhResults) {
      JsonNode params = result.path("params");
      JsonNode counters = result.path("secondaryMetrics");
      points.add(
          new Point(
              params.path("type").asText(),
              params.path("kind").asText().toLowerCase(Locale.ROOT),
              params.path("rows").asInt(),
              result.path("primaryMetric").path("score").asDouble(),
              mean(counters, "roof"),
              mean(counters, "gops"),
              mean(counters, "peakGops"),
              mean(counters, "readGbps"),
              mean(counters, "intensity")));
    }
  }

  /** The mean of all iterations: JMH's score of a counter is their sum. */
  private static double mean(JsonNode counters, String name) {
    double sum = 0;
    int n = 0;
    for (JsonNode fork : counters.path(name).path("rawData")) {
      for (JsonNode iteration : fork) {
        sum += iteration.asDouble();
        n++;
      }
    }
    return sum / n;
  }

  /** Lines of Markdown. */
  String table() {
    StringBuilder text =
        new StringBuilder(
            "| weights | rows | kind | ms | GOP/s | of the roof |\n|---|---|---|---|---|---|\n");
    for (Point p : points) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %d | %s | %.2f | %.0f | %.0f%% |%n",
              p.type(),
              p.rows(),
              p.kind(),
              p.millis(),
              p.gops(),
              p.roof()));
    }
    return text.toString();
  }

  /** Rates by operations per byte, under the bandwidth and the peaks of the arithmetic. */
  Plot plot() {
    Map<String, SortedMap<Double, Double>> lines = new LinkedHashMap<>();
    Map<Double, String> peaks = new TreeMap<>();
    double bandwidth = 0;
    double widest = 1;
    for (Point p : points) {
      lines
          .computeIfAbsent(p.type() + " " + p.kind(), name -> new TreeMap<>())
          .put(p.intensity(), p.gops());
      bandwidth = Math.max(bandwidth, p.readGbps());
      widest = Math.max(widest, p.intensity());
    }
    for (String type : List.of("f32", "bf16", "q8_0", "q4_0")) {
      points.stream()
          .filter(p -> p.type().equals(type))
          .mapToDouble(Point::peakGops)
          .max()
          .ifPresent(peak -> peaks.put(peak, type));
    }
    Plot plot =
        new Plot("Kernels under their roofs", "operations per byte of weights", "GOP/s")
            .logarithmic();
    for (Map.Entry<Double, String> peak : peaks.entrySet()) {
      double knee = peak.getKey() / bandwidth;
      plot.bound(
          "roof of " + peak.getValue(),
          List.of(0.4, knee, Math.max(knee, widest)),
          List.of(0.4 * bandwidth, peak.getKey(), peak.getKey()));
    }
    return plot.lines(lines);
  }
}
