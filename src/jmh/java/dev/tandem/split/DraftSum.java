package dev.tandem.split;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sums over long runs, less what a run of one token has too. */
final class DraftSum {
  private final Map<String, Double> sums = new HashMap<>();

  void add(JsonNode one, JsonNode many) {
    for (String name : List.of("decode_ms", "decode_tokens")) {
      sums.merge(name, LinkReport.number(many, "timings", name), Double::sum);
    }
    for (String name : List.of("round_trips", "bytes_sent", "bytes_received")) {
      double more = LinkReport.number(many, "wire", name) - LinkReport.number(one, "wire", name);
      sums.merge(name, more, Double::sum);
    }
    for (String name : List.of("compared", "accepted")) {
      sums.merge(name, LinkReport.number(many, "draft", name), Double::sum);
    }
  }

  double of(String name) {
    return sums.getOrDefault(name, 0.0);
  }

  double perToken(String name) {
    return of(name) / of("decode_tokens");
  }
}
