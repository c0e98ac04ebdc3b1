package dev.tandem.cli.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.tandem.measure.AblationRow;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Formats the rows of {@code bench --ablate}. */
final class AblationReport {
  private AblationReport() {}

  static String table(String model, List<AblationRow> rows) {
    StringBuilder table = new StringBuilder();
    table.append(model).append(", f32, one token; GELU by formula where no table is named\n\n");
    table.append(
        String.format(
            Locale.ROOT,
            "%7s  %-31s %10s  %-21s %8s%n",
            "context",
            "saved",
            "ms/token",
            "quartiles",
            "speed-up"));
    for (AblationRow row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "%7d  %-31s %10.3f  %-21s %7.1fx%n",
              row.context(),
              row.name(),
              row.msPerToken().median(),
              String.format(
                  Locale.ROOT, "%.3f-%.3f", row.msPerToken().lower(), row.msPerToken().upper()),
              row.speedUp()));
    }
    return table.toString().stripTrailing();
  }

  static String json(String model, List<AblationRow> rows) throws IOException {
    List<Map<String, Object>> shown = new ArrayList<>();
    for (AblationRow row : rows) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("saved", row.name());
      facts.put("context", row.context());
      facts.put("ms_per_token", row.msPerToken().median());
      facts.put(
          "ms_per_token_quartiles", List.of(row.msPerToken().lower(), row.msPerToken().upper()));
      facts.put("speed_up", row.speedUp());
      shown.add(facts);
    }
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("model", model);
    report.put("ablation", shown);
    return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(report);
  }
}
