package dev.tandem.cli.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.tandem.measure.DraftReplayRow;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Formats the rows of {@code bench --draft-replay}. */
final class ReplayReport {
  private ReplayReport() {}

  static String table(String model, String draft, List<DraftReplayRow> rows) {
    StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            "%s, draft %s%n%n%-32s %7s %7s %8s %8s %8s %10s %10s %9s%n",
            model,
            draft,
            "text",
            "tokens",
            "trips",
            "drafted",
            "compared",
            "accepted",
            "share",
            "trips/tok",
            "ms/token"));
    for (DraftReplayRow row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-32s %7d %7d %8d %8d %8d %9.1f%% %10.3f %9.3f%n",
              row.text(),
              row.tokens(),
              row.roundTrips(),
              row.drafted(),
              row.compared(),
              row.accepted(),
              100 * row.acceptance(),
              row.roundTripsPerToken(),
              row.msPerToken()));
    }
    return table.toString().stripTrailing();
  }

  static String json(String model, String draft, List<DraftReplayRow> rows) throws IOException {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("model", model);
    report.put("draft", draft);
    report.put("texts", rows.stream().map(ReplayReport::facts).toList());
    return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(report);
  }

  private static Map<String, Object> facts(DraftReplayRow row) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("text", row.text());
    facts.put("prompt_tokens", row.promptTokens());
    facts.put("tokens", row.tokens());
    facts.put("round_trips", row.roundTrips());
    facts.put("round_trips_per_token", row.roundTripsPerToken());
    facts.put("drafted", row.drafted());
    facts.put("compared", row.compared());
    facts.put("accepted", row.accepted());
    facts.put("ms_per_token", row.msPerToken());
    facts.put("bytes_sent", row.bytesSent());
    facts.put("bytes_received", row.bytesReceived());
    return facts;
  }
}
