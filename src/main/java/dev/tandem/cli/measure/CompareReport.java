package dev.tandem.cli.measure;

import dev.tandem.measure.ComparisonResult;
import dev.tandem.measure.ComparisonRow;
import dev.tandem.measure.Disagreement;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Formats the result of {@code compare}. */
final class CompareReport {
  private static final double MEBI = 1 << 20;

  private CompareReport() {}

  static String table(String model, Tokenizer tokenizer, ComparisonResult result) {
    ComparisonRow first = result.rows().get(0);
    StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            "%s: %d tokens of prompt and %d of answer%n%n",
            model,
            result.promptIds().size(),
            first.ids().size()));
    table.append(
        String.format(
            Locale.ROOT,
            "%-8s %10s %10s %10s %12s  %s%n",
            "backend",
            "tokens/s",
            "speed-up",
            "peak MiB",
            "logits apart",
            "tokens"));
    for (ComparisonRow row : result.rows()) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-8s %10.2f %10s %10s %12.2g  %s%n",
              row.backend(),
              row.tokensPerSecond(),
              Double.isNaN(row.speedUp())
                  ? "-"
                  : String.format(Locale.ROOT, "%.1fx", row.speedUp()),
              row.peakRssBytes() == 0
                  ? "-"
                  : String.format(Locale.ROOT, "%.0f", row.peakRssBytes() / MEBI),
              row.largestLogitDifference(),
              tokens(row, first, tokenizer)));
    }
    return table.toString().stripTrailing();
  }

  private static String tokens(ComparisonRow row, ComparisonRow first, Tokenizer tokenizer) {
    return row.disagreement()
        .map(
            d ->
                String.format(
                    Locale.ROOT,
                    "differ at %d: %s by %.3g, %s has %s by %.3g; rounding explains %.3g",
                    d.index(),
                    shown(tokenizer, d.id()),
                    d.gap(),
                    first.backend(),
                    shown(tokenizer, d.referenceId()),
                    d.referenceGap(),
                    d.bound()))
        .orElse("identical");
  }

  private static String shown(Tokenizer tokenizer, int id) {
    return id + " '" + tokenizer.decode(new int[] {id}).strip() + "'";
  }

  /**
   * Ends the command where backends disagree.
   *
   * @throws IOException if rounding does not explain a difference; the message is one line
   */
  static void requireAgreement(ComparisonResult result) throws IOException {
    for (ComparisonRow row : result.rows()) {
      if (row.disagreement().isPresent() && !row.disagreement().get().isNearTie()) {
        Disagreement d = row.disagreement().get();
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s and %s choose different tokens at %d, with gaps of %.3g and %.3g between the"
                    + " two; rounding explains %.3g at most",
                row.backend(),
                result.rows().get(0).backend(),
                d.index(),
                d.gap(),
                d.referenceGap(),
                d.bound()));
      }
    }
  }

  static Map<String, Object> facts(String model, String prompt, ComparisonResult result) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", model);
    facts.put("prompt", prompt);
    facts.put("prompt_ids", result.promptIds());
    facts.put("identical", result.identical());
    facts.put("within_rounding", result.withinRounding());
    List<Map<String, Object>> backends = new ArrayList<>();
    for (ComparisonRow row : result.rows()) {
      backends.add(facts(row));
    }
    facts.put("backends", backends);
    return facts;
  }

  private static Map<String, Object> facts(ComparisonRow row) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("backend", row.backend().toString());
    facts.put("ids", row.ids());
    facts.put("tokens_per_s", row.tokensPerSecond());
    if (!Double.isNaN(row.speedUp())) {
      facts.put("speed_up", row.speedUp());
    }
    facts.put("peak_rss_bytes", row.peakRssBytes());
    facts.put("largest_logit_difference", row.largestLogitDifference());
    row.disagreement()
        .ifPresent(
            d -> {
              Map<String, Object> difference = new LinkedHashMap<>();
              difference.put("index", d.index());
              difference.put("id", d.id());
              difference.put("gap", d.gap());
              difference.put("reference_id", d.referenceId());
              difference.put("reference_gap", d.referenceGap());
              difference.put("bound", d.bound());
              facts.put("disagreement", difference);
            });
    return facts;
  }
}
