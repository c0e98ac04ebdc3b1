package dev.tandem.cli.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.api.Tandem;
import dev.tandem.measure.ComparisonResult;
import dev.tandem.measure.ComparisonRow;
import dev.tandem.measure.Disagreement;
import dev.tandem.settings.Backend;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What {@code compare} prints of backends that disagree, and when it fails. */
class CompareReportTest {
  private static final double BOUND = 0.002;

  /** The second backend's logit of its token is larger by this than that of the first one's. */
  private static ComparisonResult differing(double gap) {
    Disagreement difference = new Disagreement(1, 17, gap, 23, 0.001, BOUND);
    return new ComparisonResult(
        List.of(5, 6),
        List.of(
            new ComparisonRow(Backend.FAST, List.of(9, 23), 40, Double.NaN, 0, 0, Optional.empty()),
            new ComparisonRow(
                Backend.BLAS_KV,
                List.of(9, 17),
                20,
                Double.NaN,
                3 << 20,
                gap,
                Optional.of(difference))));
  }

  @Test
  void whatRoundingDoesNotExplainFails() {
    assertThatThrownBy(() -> CompareReport.requireAgreement(differing(50)))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "blas-kv and fast choose different tokens at 1, with gaps of 50.0 and 0.00100 between"
                + " the two; rounding explains 0.00200 at most");
    assertThatCode(() -> CompareReport.requireAgreement(differing(BOUND)))
        .doesNotThrowAnyException();
  }

  @Test
  void aDifferenceIsShown() {
    String table = CompareReport.table("model", Tandem.tokenizer("gpt2"), differing(BOUND));
    assertThat(table.lines().skip(4))
        .singleElement()
        .asString()
        .startsWith(
            "blas-kv       20.00          -          3       0.0020  differ at 1: 17 '2' by")
        .endsWith("fast has 23 '8' by 0.00100; rounding explains 0.00200");
  }

  @Test
  void aDifferenceIsInTheJson() throws IOException {
    JsonNode json =
        new ObjectMapper().valueToTree(CompareReport.facts("model", "text", differing(50)));
    assertThat(json.get("identical").booleanValue()).isFalse();
    assertThat(json.get("within_rounding").booleanValue()).isFalse();
    assertThat(json.get("backends").get(0).has("disagreement")).isFalse();
    assertThat(json.get("backends").get(1).get("disagreement"))
        .hasToString(
            "{\"index\":1,\"id\":17,\"gap\":50.0,\"reference_id\":23,\"reference_gap\":0.001,"
                + "\"bound\":0.002}");
  }
}
