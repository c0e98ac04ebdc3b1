package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AblationTest {

  @Test
  void hasTheFiveRowsOfTheStudy() throws IOException {
    JsonNode json =
        tandem(
                "bench",
                "--ablate",
                "--context",
                "8,40",
                "--repeat",
                "3",
                "--threads",
                "1",
                "--json")
            .json();
    assertThat(json.get("model").textValue()).isEqualTo("gpt2-shakespeare");
    List<String> rows = new ArrayList<>();
    for (JsonNode row : json.get("ablation")) {
      rows.add(row.get("context").intValue() + " " + row.get("saved").textValue());
      assertThat(row.get("ms_per_token").doubleValue()).isPositive();
      assertThat(row.get("ms_per_token_quartiles")).hasSize(2);
    }
    assertThat(rows)
        .containsExactly(
            "8 none",
            "8 KV + linear + residual",
            "8 KV + linear + residual + table",
            "8 KV + linear + GELU + residual",
            "8 all",
            "40 none",
            "40 KV + linear + residual",
            "40 KV + linear + residual + table",
            "40 KV + linear + GELU + residual",
            "40 all");
  }

  /** Whatever the machine does meanwhile: one row instead of 129 is no small thing. */
  @Test
  void savingEverythingIsFasterAndShownAsATable() {
    String table = tandem("bench", "--ablate", "--repeat", "5").result();
    assertThat(table).startsWith("gpt2-shakespeare, f32");
    List<String> lines = table.lines().skip(3).toList();
    assertThat(lines).hasSize(5).allSatisfy(line -> assertThat(line).contains("128  "));
    String speedUp = lines.get(4).strip().replaceAll(".* ([0-9.]+)x$", "$1");
    assertThat(Double.parseDouble(speedUp)).isGreaterThan(2);
  }
}
